"""SystemVerilog, which Yosys's own reader does not take in full, to the plain Verilog that the flow does.

By slang, which comes with pyosys (``read_slang``), so that whole cores can be measured.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tileloom import yosys

# A multiplexer for each bit has no operator in Verilog; Yosys would write it as a module that is not there.
CONVERT = """
read_slang --keep-hierarchy --top {top} {options} {files}
hierarchy -check -top {top}
proc
{flatten}
bwmuxmap
opt_clean
write_verilog -noattr {target}
"""


def to_verilog(
    sources: Mapping[str, str],
    top: str,
    *,
    parameters: Mapping[str, int] | None = None,
    defines: Mapping[str, str] | None = None,
    flatten: bool = True,
) -> str:
    """Return a design as Verilog.

    Parameters
    ----------
    sources:
        Text by file name, in the order in which the files must be read.
    top:
        Its top module.
    parameters, defines:
        Of the top module; macros.
    flatten:
        Make one module of it.

    Raises ``yosys.YosysError`` where slang or Yosys refuses it.
    """
    options = [f"-G {name}={value}" for name, value in (parameters or {}).items()]
    options += [f"-D {name}={value}" for name, value in (defines or {}).items()]
    with tempfile.TemporaryDirectory(prefix="tileloom-") as name:
        folder = Path(name)
        for file, text in sources.items():
            # Names that start with a dollar sign, as Yosys writes them, can be ones that it takes again.
            (folder / file).write_text(text.replace("\\$", "\\_$"), encoding="utf-8")
        files = " ".join(str(folder / file) for file in sources)
        target = folder / "design.v"
        script = CONVERT.format(
            top=top,
            options=" ".join(options),
            files=files,
            flatten="flatten" if flatten else "",
            target=target,
        )
        lines: list[str] = []
        try:
            yosys.run(script, on_line=lines.append)
        except yosys.YosysError as error:
            # Yosys's own last word is only that slang failed.
            reasons = [re.sub(rf"\S*{folder.name}/", "", line) for line in lines if "ERROR: " in line]
            raise yosys.YosysError(reasons[0] if reasons else str(error)) from None
        return target.read_text(encoding="utf-8")
