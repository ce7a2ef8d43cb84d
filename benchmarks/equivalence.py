"""Whether the generated Verilog still does what an older revision's did: by proof, else by simulation.

Run: python benchmarks/equivalence.py 96d4621 [NAME ...]

Both revisions generate the same configurations, each from its own sources. The two designs of a configuration
get the same inputs, and ABC proves that no output ever differs (SAT, induction over corresponding signals:
``scorr``), from the state in which all registers and memories are zero, whatever the reset does. Where that
does not end in time both are simulated on the same random inputs, resets among them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pyosys

from tileloom import yosys
from tileloom.cli.console import print_table
from tileloom.cli.main import Told
from tileloom.netlist.text import split_modules
from tileloom_sim.build.harness import compile_harness

ROOT = Path(__file__).parents[1]

STREAM = "stream-8x8-int8"
SMALL = "a_words=4 acc_tiles=2 weight_beats=2 m=1 k=1 n=1 bus=64"
CONFIGURATIONS: Mapping[str, tuple[str, str, str]] = {
    "systolic 1 x 1": ("systolic", STREAM, "rows=1 columns=1"),
    "systolic 1 x 1, word port": ("systolic", "sasp-4x4-int8", "rows=1 columns=1"),
    "systolic 1 x 2, FP32": ("systolic", "stream-8x8-fp32", "rows=1 columns=2"),
    "systolic 3 x 2, word port, nearest even": (
        "systolic",
        "sasp-4x4-int8",
        "rows=3 columns=2 rounding=nearest-even",
    ),
    "systolic 4 x 4, interval 3": ("systolic", STREAM, "rows=4 columns=4 step_interval=3"),
    "systolic 2 x 2, stages 2/4, carry save": (
        "systolic",
        STREAM,
        "rows=2 columns=2 multiply_stages=2 carry_save=true add_stages=4",
    ),
    "systolic 2 x 2, FP16 x INT4, AXI names": (
        "systolic",
        STREAM,
        "rows=2 columns=2 activation=fp16 weight=int4 axi4_stream_names=true double_buffer=false",
    ),
    "sasp-4x4-int8": ("systolic", "sasp-4x4-int8", ""),
    "sasp-8x8-fp32": ("systolic", "sasp-8x8-fp32", ""),
    "engine 1 x 1 x 1": ("engine", "engine-int8", SMALL),
    "engine 2 x 2 x 2, masks": (
        "engine",
        "engine-int8",
        "a_words=4 acc_tiles=2 weight_beats=2 m=2 k=2 n=2 bus=64 activation_mask=true product_register=true",
    ),
    "engine 1 x 2 x 2, FP32 x INT8": (
        "engine",
        "engine-fp32-int8",
        "a_words=4 acc_tiles=2 weight_beats=2 k=2 n=2 bus=64",
    ),
    "engine 1 x 1 x 1, AXI4": ("engine", "engine-int8-axi4", SMALL),
    "xfu unit": ("xfu", "unit", "4 8 16"),
    "xfu CV-X-IF": ("xfu", "cv_x_if", "4 8 16"),
    "xfu CV-X-IF, 8, imprecise": ("xfu", "cv_x_if", "8 imprecise"),
}
"""By name: family, preset or form, overrides."""

CHANGED = {
    **dict.fromkeys(
        ("engine 1 x 1 x 1", "engine 2 x 2 x 2, masks", "engine 1 x 2 x 2, FP32 x INT8"),
        "repair of queues of 1 and 2, which now pass a transfer in every cycle",
    ),
    "engine 1 x 1 x 1, AXI4": "repairs of the AXI4 engine and of short queues",
    **dict.fromkeys(
        ("xfu unit", "xfu CV-X-IF", "xfu CV-X-IF, 8, imprecise"), "repairs of the commit interface"
    ),
}
"""Configurations whose behaviour was changed on purpose since 96d4621, and by what."""

GENERATE = """
import importlib, json, sys
import tileloom
family, source, overrides, name = json.loads(sys.stdin.read())
if hasattr(tileloom, "load"):
    if family == "xfu":
        errors = "precise_errors=false" if "imprecise" in overrides else ""
        sizes = ",".join(word for word in overrides.split() if word.isdigit())
        source, overrides = f"xfu-{source.replace('_', '-')}", f"group_sizes={sizes} {errors}"
    fields = dict(text.split("=") for text in overrides.split())
    design = tileloom.generate(tileloom.load(source, **fields), name)
elif family == "systolic":
    config = importlib.import_module("tileloom.presets").load(source, overrides.split())
    design = importlib.import_module("tileloom.generate").generate(config, name)
elif family == "engine":
    config = importlib.import_module("tileloom.blocksparse.presets").load(source, overrides.split())
    design = importlib.import_module("tileloom.blocksparse.generate").generate_engine(config, name)
else:
    generate = importlib.import_module("tileloom.xfu.generate")
    sizes = tuple(int(word) for word in overrides.split() if word.isdigit())
    config = importlib.import_module("tileloom.xfu.config").XfuConfig(
        group_sizes=sizes, precise_errors="imprecise" not in overrides
    )
    design = generate.generate_xfu(config, generate.Form(source), name)
sys.stdout.write(design.verilog)
"""
"""Reads a configuration and a name, writes Verilog: with the present sources, and with those of 96d4621."""

MITER = """
read_verilog old.v
hierarchy -check -top old_design
proc
flatten
setattr -unset init
memory_map
opt_clean
setattr -unset init
design -stash old
read_verilog new.v
hierarchy -check -top new_design
proc
flatten
memory_map
opt_clean
setattr -unset init
design -stash new
design -copy-from old -as old old_design
design -copy-from new -as new new_design
miter -equiv -flatten old new miter
hierarchy -top miter
opt -full
opt_clean
dffunmap
techmap
setundef -undriven -zero
setundef -init -zero
opt -fast
dffunmap
aigmap
write_aiger -zinit miter.aig
"""


@click.command(cls=Told)
@click.argument("revision")
@click.argument("names", nargs=-1)
@click.option("--seconds", default=120, show_default=True, help="For each proof.")
@click.option("--cycles", default=100_000, show_default=True, help="Random ones, where there is no proof.")
def main(revision: str, names: tuple[str, ...], seconds: int, cycles: int) -> None:
    """Compare the designs of REVISION with those of the working tree, and print a table."""
    rows, failed = [], False
    with checkout(revision) as old, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title in names or CONFIGURATIONS:
            start = time.perf_counter()
            for which, tree in (("old", old), ("new", ROOT)):
                (folder / f"{which}.v").write_text(generate(tree, CONFIGURATIONS[title], f"{which}_design"))
            method, equal = compare(folder, seconds, cycles)
            verdict = "equal" if equal else CHANGED.get(title, "DIFFERENT")
            failed |= not equal and title not in CHANGED
            rows.append((title, method, verdict, f"{time.perf_counter() - start:.0f}"))
            click.echo(": ".join(rows[-1]), err=True)
    print_table(f"Against {revision}", ("configuration", "method", "", "s"), rows)
    sys.exit(failed)


@contextlib.contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Give a work tree of another revision for the time of a with statement."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def generate(tree: Path, configuration: tuple[str, str, str], name: str) -> str:
    """Return the Verilog that the sources in ``tree`` generate, its top module called ``name``."""
    done = subprocess.run(
        [sys.executable, "-c", GENERATE],
        input=json.dumps([*configuration, name]),
        env={**os.environ, "PYTHONPATH": str(tree / "hdl")},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{tree}: {configuration}: {done.stderr.strip()}")
    return done.stdout


def compare(folder: Path, seconds: int, cycles: int) -> tuple[str, bool]:
    """Return how the two designs in ``folder`` were compared, and whether they are equal."""
    if (folder / "old.v").read_text() == (folder / "new.v").read_text().replace("new_design", "old_design"):
        return "same text", True
    try:
        yosys.run(MITER, folder=folder)
    except yosys.YosysError as error:
        if "No matching port" in str(error) or "is not compatible" in str(error):
            return "other ports", False
        raise
    # Proved is what leaves of the miter's output the constant 0: in BLIF a function that is 0.
    proved = folder / "proved.blif"
    proved.unlink(missing_ok=True)
    abc(f"read_aiger {folder}/miter.aig; strash; scorr; write_blif {proved}", seconds)
    if proved.exists() and re.search(r"^\.names po0\n 0$", proved.read_text(), re.MULTILINE):
        return "proof (scorr)", True
    return simulate(folder, cycles)


def simulate(folder: Path, cycles: int) -> tuple[str, bool]:
    """Return the same of random inputs to both, the same ones, resets among them, in every cycle."""
    old = split_modules((folder / "old.v").read_text())
    ports = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);$", old["old_design"], re.MULTILINE)
    widths = {name: (direction, int(high or 0) + 1) for direction, high, name in ports}
    clock = "aclk" if "aclk" in widths else "clk"
    reset = "aresetn" if "aresetn" in widths else "rst"
    lines = []
    for name, (direction, width) in widths.items():
        kind = "reg" if direction == "input" and name != clock else "wire"
        if direction == "output":
            lines += [f"  wire [{width - 1}:0] old_{name}, new_{name};"]
        elif name != clock:
            lines += [f"  {kind} [{width - 1}:0] {name};"]
    for which in ("old", "new"):
        wired = [
            f".{name}({f'{which}_{name}' if direction == 'output' else name})"
            for name, (direction, _) in widths.items()
        ]
        lines.append(f"  {which}_design {which}_i({', '.join(wired)});")
    drawn = [
        f"    {name} <= {{{', '.join(['$urandom'] * -(-width // 32))}}};"
        for name, (direction, width) in widths.items()
        if direction == "input" and name not in (clock, reset)
    ]
    active = "~" if reset == "aresetn" else ""
    outputs = [name for name, (direction, _) in widths.items() if direction == "output"]
    differ = " || ".join(f"old_{name} !== new_{name}" for name in outputs)
    bench = "\n".join(
        [
            f"module both(input {clock});",
            "  integer cycle = 0;",
            *lines,
            f"  always @(posedge {clock}) begin",
            "    cycle <= cycle + 1;",
            f"    {reset} <= {active}(cycle < 4 || $urandom % 1000 == 0);",
            *drawn,
            f'    if (cycle > 6 && ({differ})) begin $display("differs %0d", cycle); $finish; end',
            "  end",
            "endmodule",
            "",
        ]
    )
    program = compile_harness(
        "equivalence",
        "\n".join([bench, (folder / "old.v").read_text(), (folder / "new.v").read_text()]),
        "both",
        {"main.cpp": MAIN.replace("CLOCK", clock)},
        "main.cpp",
        control="`verilator_config\n",
    )
    lines = subprocess.run(
        [str(program), str(cycles)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if lines[-1].startswith("done"):
        return f"{cycles:,} random cycles", True
    return f"simulation: {lines[0]}", False


MAIN = """
#include "Vtop.h"
#include <cstdio>
#include <cstdlib>
int main(int, char** arguments) {
    VerilatedContext context;
    context.randReset(0);
    context.randSeed(1);
    Vtop top{&context};
    for (long cycle = 0; cycle < atol(arguments[1]) && !context.gotFinish(); ++cycle) {
        top.CLOCK = 0;
        top.eval();
        top.CLOCK = 1;
        top.eval();
    }
    if (!context.gotFinish()) puts("done");
}
"""


def abc(script: str, timeout: float) -> str:
    """Run ABC, which comes with pyosys, and return what it prints."""
    program = Path(pyosys.__file__).parent / "yosys-abc"
    try:
        done = subprocess.run(
            [str(program), "-q", script], capture_output=True, text=True, check=False, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
