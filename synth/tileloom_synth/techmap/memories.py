"""Memories in synthesis: those that macros stand for are left out, and counted in bits."""

from __future__ import annotations

import re
from collections.abc import Collection


def without(verilog: str, modules: Collection[str]) -> str:
    """Return ``verilog`` with only the ports of ``modules``, as black boxes.

    Raises ValueError that names a module that is not there.
    """
    for module in modules:
        pattern = re.compile(
            rf"^module {re.escape(module)}\((.*?)\);\n(.*?)^endmodule\n", re.MULTILINE | re.DOTALL
        )
        found = pattern.search(verilog)
        if found is None:
            raise ValueError(f"there is no module {module}")
        ports = re.findall(r"^  (?:input|output) .*?;\n", found[2], re.MULTILINE)
        stub = f"(* blackbox *)\nmodule {module}({found[1]});\n{''.join(ports)}endmodule\n"
        verilog = verilog[: found.start()] + stub + verilog[found.end() :]
    return verilog
