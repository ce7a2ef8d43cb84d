"""Whether two combinational modules are the same, by SAT."""

from __future__ import annotations

from pathlib import Path

from tileloom import yosys

SCRIPT = """
{read}
miter -equiv -flatten -make_outputs {one} {other} both
hierarchy -top both
opt -full
techmap
opt -full
abc -g AND,XOR
opt_clean
sat -verify -prove trigger 0 both
"""
"""ABC's sweeping finds what is equal inside, which leaves the solver little."""


def difference(read: str, one: str, other: str, folder: Path, timeout: float) -> str:
    """Return what Yosys says of two modules that differ; nothing where they give the same for all inputs.

    Parameters
    ----------
    read:
        Yosys's commands that read both, from files in ``folder``.
    one, other:
        Their names.
    timeout:
        In seconds.

    Raises ``yosys.YosysError`` where Yosys fails, or is not done in time.
    """
    try:
        yosys.run(SCRIPT.format(read=read, one=one, other=other), folder=folder, timeout=timeout)
    except yosys.YosysError as error:
        if "proof did fail" in str(error):
            return str(error)
        raise
    return ""
