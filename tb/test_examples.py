"""The examples run, as a user runs them; ``digits.py`` has its test in ``tb/systolic/test_digits.py``."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tileloom
from tileloom.design import Design
from tileloom_synth.library.standard_cells import generic

ROOT = Path(__file__).parents[1]


def run(example: str, *arguments: object) -> str:
    """Return what an example prints."""
    command = [sys.executable, ROOT / "examples" / example, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def design() -> Design:
    return tileloom.generate(tileloom.load("stream-8x8-int8", rows=1, columns=2, activation="fp8_e4m3"))


def test_the_api_does_all_jobs(tmp_path: Path) -> None:
    said = run("api.py", tmp_path / "made")
    config = tileloom.load("stream-8x8-int8", rows=2, columns=3, activation="fp16")
    design = tileloom.generate(config)
    for path, text in design.files(tmp_path / "made").items():
        assert path.read_text(encoding="utf-8") == text
    assert said.startswith(f"{design.name}: {len(design.manifest['ports'])} ports")
    assert re.search(r"^Y = X W is \(10, 6\), in \d+ cycles", said, re.MULTILINE)
    assert re.search(r"^[\d,]+ gate equivalents, \d+ flip-flops$", said, re.MULTILINE)
    assert said.endswith("refused: stream-8x8-int8: rows: must be from 1 to 64, not 65\n")


def test_the_matrices_are_what_the_readme_multiplies(tmp_path: Path) -> None:
    run("matrices.py", tmp_path)
    x, w = np.load(tmp_path / "X.npy"), np.load(tmp_path / "W.npy")
    assert (x.shape, w.shape, x.dtype, w.dtype) == ((300, 100), (100, 60), np.float32, np.float32)


def test_a_netlist_is_of_the_librarys_cells_alone(design: Design, tmp_path: Path) -> None:
    verilog, netlist = tmp_path / "design.v", tmp_path / "netlist.v"
    verilog.write_text(design.verilog, encoding="utf-8")
    library = generic()
    run("netlist.py", verilog, library.timing, netlist)
    text = netlist.read_text(encoding="utf-8")
    modules = set(re.findall(r"^module (\w+)\(", text, re.MULTILINE))
    used = set(re.findall(r"^  (\w+) \w+ \($", text, re.MULTILINE))
    assert design.name in modules
    assert used - modules and used - modules <= set(library.cells)
    assert "always" not in text


def test_the_netlists_script_is_the_one_in_the_documentation() -> None:
    example = (ROOT / "examples" / "netlist.py").read_text(encoding="utf-8")
    (script,) = re.findall(r'f"""\n(.*?)"""', example, re.DOTALL)
    names = {"design": "build/stream_8x8_int8.v", "liberty": "cells.lib", "netlist": "netlist.v"}
    page = (ROOT / "docs" / "systolic.md").read_text(encoding="utf-8")
    assert f"```\n{script.format(**names)}```" in page
