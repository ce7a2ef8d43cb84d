"""``tileloom generate`` and ``simulate`` of the unit: what they write and print, and what they refuse."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from support.long import few
from tileloom.cli.main import main
from tileloom.cores import CORES
from tileloom_golden.xfu import layers as nm_layers
from tileloom_sim.xfu import functions, suite
from tileloom_sim.xfu.hosts import CORES as BOTH
from tileloom_sim.xfu.layers import Kernel
from tileloom_sim.xfu.suite import INNER_LOOPS, PAPER


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


PRESETS = {"cv32e40p": "xfu-cv32e40p", "cv32e40x": "xfu-cv-x-if", "picorv32": "xfu-picorv32"}
"""The preset that is simulated on each core."""


def figures(core: str, *arguments: str) -> dict:
    shapes = ("--convolution", "16", "--connected", "32,80", "--rows", "4", "--seed", "3")
    result = run("simulate", PRESETS[core], *shapes, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("core", few(BOTH.values()))
def test_run_measures_every_kernel(core):
    printed = figures(core)
    runs = printed["runs"]
    assert len(runs) == 3 * (2 + 2 * 3)
    assert {item["kernel"] for item in runs} == {str(kernel) for kernel in Kernel}
    dense = {
        (item["layer"], item["channels"]): item["cycles"] for item in runs if item["kernel"] == "dense 1x2"
    }
    for item in runs:
        assert 0 < item["instructions"] <= item["cycles"]
        base = dense[item["layer"], item["channels"]]
        assert item["speed_up"] == pytest.approx(base / item["cycles"], abs=1e-4)
    for item in printed["averages"]:
        assert (item["inner_loops_allow"] is None) == (core != "cv32e40p")
    assert [(item["layer"], item["group"], item["paper"]) for item in printed["averages"]] == [
        (kind, group, figure) for kind, of_kind in PAPER.items() for group, figure in of_kind.items()
    ]


def test_waits_are_passed_on():
    alone, waiting = figures("cv32e40p"), figures("cv32e40p", "--data-waits", "1:2")
    for first, second in zip(alone["runs"], waiting["runs"], strict=True):
        assert first["cycles"] < second["cycles"]
        assert first["instructions"] == second["instructions"]


@pytest.mark.long
def test_errors_that_do_not_trap_are_faster():
    slow, fast = figures("cv32e40x"), figures("cv32e40x", "--set", "precise_errors=false")
    for first, second in zip(slow["runs"], fast["runs"], strict=True):
        if first["kernel"] == "xdecimate":
            assert second["cycles"] < first["cycles"]
        else:
            assert second["cycles"] == first["cycles"]


def test_loops_allow_no_less_than_what_is_measured():
    """On CV32E40P, for one of the paper's layers: near the bound, and never above it."""
    result = run("simulate", "xfu-cv32e40p", "--connected", "2048", "--rows", "8", "--json")
    for item in json.loads(result.stdout)["averages"]:
        bound = INNER_LOOPS[item["layer"]][item["group"]]
        assert 0.95 * bound < item["xdecimate"] < bound


def test_table():
    result = run("simulate", "xfu-cv32e40p", "--connected", "16", "--rows", "2")
    assert result.exit_code == 0, result.output
    assert "speed-up over dense 1x2" in result.output
    assert "convolution" not in result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    over_1x2, over_4x2 = (line for line in lines if line[:2] == ["xdecimate", "1:8"])
    assert over_1x2[-2:] == ["3.08", "2.20"] and "speed-up over dense 4x2" in result.output
    assert len(over_4x2) == 4  # the paper has none


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "group_sizes=4,5"], "group_sizes: must be some of 4, 8 and 16, not 5"),
        (["--convolution", "10"], "--convolution 10: 90 weights are no multiple of a group of 4"),
        (["--connected", "32,36", "--set", "group_sizes=8"], "--connected 36: 36 weights are no multiple"),
        (["--connected", "0"], "0: must be from 1 to 65536"),
        (["--connected", "16,x"], "give whole numbers with commas"),
        (["--data-waits", "3"], "give cycles to a grant and to an answer, such as 0:2"),
        (["--rows", "0"], "--rows"),
        (["--set", "host=ibex"], "host: must be unit or cv-x-if or pcpi or cv32e40p"),
        (
            ["--set", "host=unit"],
            "host = unit: the unit alone has no core to run kernels on; take host cv-x-if",
        ),
        (["-o", "none/figures.json"], "make that folder first"),
        (
            ["--kernel", "9,9", "--convolution", "16", "--int8"],
            "kernel: 9 x 9 is larger than the input, 8 x 8",
        ),
        (["--relu"], "--relu: would change nothing here; it goes with --int8"),
        (["--sparsity", "1:8"], "--sparsity: would change nothing here; it goes with --int8"),
        (["--connected", "16", "--stride", "2"], "--stride: would change nothing here; it goes with --conv"),
        (["--max-pool", "4", "--lines", "2"], "--lines: would change nothing here; it goes with a function"),
        (["--gelu", "4", "--int8"], "--int8: would change nothing here; it goes with --convolution or"),
        (["--gelu", "4", "--rows", "3"], "--rows: would change nothing here"),
        (["--int8", "--sparsity", "2:5"], "2:5: M must be 4, 8 or 16, and N from 1 to M"),
        (["--int8", "--sparsity", "8"], "'8': give N:M, such as 1:8 or 2:4"),
        (
            ["--int8", "--sparsity", "1:4", "--set", "group_sizes=8"],
            "--sparsity 1:4: the unit is built for M = 8",
        ),
        (["--softmax", "9000"], "softmax, 9000 channels: a line has 9000 activations: of this scale"),
        (
            ["--max-pool", "4", "--padding", "3", "--kernel", "3,3"],
            "padding: must be below the window's size",
        ),
        (["--gelu", "4", "--waves"], "--waves: is of a layer; give --convolution or --connected"),
        (["--weights", "W.npy"], "--weights is for a systolic array or a block-sparse tile engine"),
    ],
)
def test_wrong_input(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("simulate", "xfu-cv32e40p", *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_int8_layers_of_any_shape_and_functions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shapes = ("--convolution", "5", "--connected", "21", "--rows", "3", "--image", "5,4", "--kernel", "3,2")
    more = ("--stride", "2", "--padding", "1", "--int8", "--relu", "--sparsity", "1:16,2:4", "--seed", "3")
    functions = ("--max-pool", "3", "--average-pool", "3", "--softmax", "5", "--gelu", "5", "--lines", "2")
    written = ("--library", "library", "-o", "figures.json")
    result = run("simulate", "xfu-cv32e40p", *shapes, *more, *functions, *written, "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    runs = printed["runs"]
    kernels = [
        ("dense 1x2", None, None),
        ("dense 4x2", None, None),
        ("xdecimate", 1, 16),
        ("xdecimate", 2, 4),
    ]
    assert [(item["kernel"], item["n"], item["group"]) for item in runs] == 2 * kernels
    assert {item["results"] for item in runs} == {"int8"}
    for name, kernel in (("speed_up", "dense 1x2"), ("speed_up_over_4x2", "dense 4x2")):
        dense = {item["layer"]: item["cycles"] for item in runs if item["kernel"] == kernel}
        for item in runs:
            assert item[name] == pytest.approx(dense[item["layer"]] / item["cycles"], abs=1e-4)
    # Beside a convolution of another shape there is nothing of the paper's.
    assert {item["paper"] for item in printed["averages"] if item["layer"] == "convolution"} == {None}
    results = {item["function"]: item["results"] for item in printed["functions"]}
    assert results == {"max-pool": 3 * 3 * 3, "average-pool": 3 * 3 * 3, "softmax": 10, "gelu": 10}
    names = {path.name for path in (tmp_path / "library").iterdir()}
    assert {"tileloom_nn.h", "convolution.c", "xdecimate.h"} < names
    for path in (tmp_path / "library").iterdir():
        included = re.findall(r'^#include "(.*)"', path.read_text(), re.MULTILINE)
        assert set(included) <= names, path.name


def test_a_wrong_int8_is_told(monkeypatch):
    right = suite.requantise

    def wrong(*arguments, **options):
        result = right(*arguments, **options)
        result[0, 3] ^= 1
        return result

    monkeypatch.setattr(suite, "requantise", wrong)
    result = run("simulate", "xfu-cv32e40p", "--int8", "--connected", "16", "--rows", "4")
    assert result.exit_code == 1
    assert "fully connected, 16 channels, dense 1x2: pixel 0, output channel 3 is" in result.output
    monkeypatch.setattr(functions.operators, "add", lambda a, b, **numbers: np.zeros_like(a))
    result = run("simulate", "xfu-cv32e40p", "--add", "16")
    assert result.exit_code == 1
    assert "add, 16 channels: [0, 0] is" in result.output and "differ" in result.output


def test_a_wrong_word_is_told(monkeypatch):
    right = nm_layers.fully_connected

    def wrong(*arguments):
        result = right(*arguments)
        result[0, 3] ^= 1
        return result

    monkeypatch.setattr(nm_layers, "fully_connected", wrong)
    result = run("simulate", "xfu-cv32e40p", "--connected", "16", "--rows", "4")
    assert result.exit_code == 1
    assert "fully connected, 16 channels, dense 1x2: pixel 0, output channel 3 is" in result.output
    assert "1 of 4 words differ" in result.output


@pytest.mark.parametrize(
    ("package", "core"),
    [
        ("pythondata_cpu_cv32e40p", "cv32e40p"),
        ("pythondata_cpu_cv32e40x", "cv32e40x"),
        ("ziglang", "cv32e40p"),
    ],
)
def test_a_missing_package_is_named(package, core, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest)
    )
    result = run("simulate", PRESETS[core], "--connected", "16", "--rows", "2")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert package.replace("_", "-") in result.output
    assert "pip install 'tileloom[xfu]'" in result.output


@pytest.mark.parametrize("preset", ["xfu-unit", "xfu-cv-x-if", "xfu-picorv32"])
def test_generate(preset, tmp_path):
    folder = tmp_path / "made"
    sizes = ("--set", "group_sizes=8")
    result = run("generate", preset, *sizes, "-o", str(folder), "--name", "my_unit", "--json")
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)
    assert json.loads((folder / "my_unit.json").read_text()) == manifest
    assert manifest["config"]["group_sizes"] == [8] and manifest["family"] == "xfu"
    text = (folder / "my_unit.v").read_text()
    assert "module my_unit(" in text
    assert run("generate", preset, "-o", str(folder), "--name", "my_unit").exit_code == 2
    assert (folder / "my_unit.v").read_text() == text


def test_generate_core(tmp_path):
    result = run("generate", "xfu-cv32e40p", "-o", str(tmp_path))
    assert result.exit_code == 0, result.output
    listed = [Path(line) for line in Path(tmp_path, "cv32e40p.f").read_text().splitlines()]
    made = {"cv32e40p.f", "xfu_cv32e40p.json", *(path.name for path in listed)}
    assert {path.name for path in tmp_path.iterdir()} == made
    assert all(path.parent == tmp_path.resolve() for path in listed)
    installed = CORES["cv32e40p"].sources()
    changed = [path.name for path in listed if path.read_text() != installed.get(path.name)]
    added = {path.name for path in listed} - set(installed)
    assert added == {"xfu_cv32e40p.v"}
    assert added < set(changed)
    assert set(installed) - set(changed)


@pytest.mark.long
def test_figures_and_waves_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shapes = ("--connected", "16", "--rows", "2", "--set", "group_sizes=16", "--seed", "3")
    result = run("simulate", "xfu-cv32e40p", *shapes, "--waves", "-o", "figures.json", "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    (waves,) = tmp_path.glob("*.vcd")
    assert printed.pop("files") == {"figures": "figures.json", "waves": waves.name}
    assert json.loads(Path("figures.json").read_text()) == printed
    assert waves.stat().st_size > 10_000 and "clk" in waves.read_text()[:100_000]


def test_a_drawn_seed_is_told_and_replays():
    shapes = ("simulate", "xfu-cv32e40p", "--connected", "16", "--rows", "2")
    drawn = run(*shapes)
    assert drawn.exit_code == 0, drawn.output
    (seed,) = re.findall(r"^seed: (\d+)$", drawn.stderr, re.MULTILINE)
    assert run(*shapes, "--seed", seed).stdout == drawn.stdout


def test_results_do_not_depend_on_jobs():
    one, two = (figures("cv32e40p", "--jobs", jobs) for jobs in ("1", "3"))
    assert one == two
    assert np.all([item["cycles"] for item in one["runs"]])
