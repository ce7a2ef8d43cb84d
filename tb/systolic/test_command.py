"""The command ``tileloom simulate``: results, files, exit statuses, and one clear line for each mistake."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tileloom.cli.main import main
from tileloom_golden.systolic.prune import prune_tiles
from tileloom_golden.systolic.quantise import dequantise, quantise
from tileloom_sim.build import toolchain
from tileloom_sim.systolic import interface, simulate
from tileloom_sim.systolic.gemm import golden_gemm

STREAM = ["stream-8x8-int8", "--set", "rows=3", "--set", "columns=4"]

TINY = ["stream-8x8-int8", "--set", "rows=2", "--set", "columns=1"]


@pytest.fixture
def folder(tmp_path, monkeypatch, rng) -> Path:
    """Return the current folder, with matrices in it."""
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", rng.normal(size=(20, 10)).astype(np.float32))
    np.save("W.npy", rng.normal(size=(10, 7)).astype(np.float32))
    np.save("W8.npy", rng.integers(-127, 128, (10, 7)).astype(np.int8))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def weights(name: str) -> list[str]:
    return ["--weights", f"{name}.npy", "--layout", "KN"]


GEMM = [*weights("W"), "--activations", "X.npy"]


def test_gemm_of_floats_is_quantised_and_scaled(folder):
    result = run(*STREAM, *GEMM, "-o", "Y.npy", "--json", "--per", "column")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    y, x, w = np.load("Y.npy"), np.load("X.npy"), np.load("W.npy")
    exact = x.astype(np.float64) @ dequantise(quantise(w, 8, "column"))
    assert y.dtype == np.float32 and y.shape == (20, 7)
    assert np.abs(y - exact).max() < 1e-5
    assert figures["largest_distance"] == pytest.approx(np.abs(y - exact).max(), rel=0.2)
    assert (figures["m"], figures["k"], figures["n"], figures["tiles"]) == (20, 10, 7, 8)
    assert 0 < figures["utilisation"] <= 1 and figures["cycles"] > 8 * 20


def test_raw_leaves_the_scale_off(folder):
    assert run(*STREAM, *GEMM, "-o", "Y.npy").exit_code == 0
    assert run(*STREAM, *GEMM, "-o", "raw.npy", "--raw").exit_code == 0
    scale = quantise(np.load("W.npy"), 8).scale
    assert np.array_equal(np.load("raw.npy") * scale, np.load("Y.npy"))


def test_integer_weights_are_used_as_they_are(folder):
    result = run(*STREAM, *weights("W8"), "--activations", "X.npy", "-o", "Y.npy")
    assert result.exit_code == 0, result.output
    exact = np.load("X.npy").astype(np.float64) @ np.load("W8.npy")
    assert np.abs(np.load("Y.npy") - exact).max() < 1e-3


def test_pruning(folder):
    result = run(*STREAM, *GEMM, "-o", "Y.npy", "--prune", "0.5", "--json")
    figures = json.loads(result.stdout)
    assert (figures["tiles"], figures["tiles_skipped"]) == (8, 4)
    w = prune_tiles(np.load("W.npy"), 3, 4, 0.5)
    exact = np.load("X.npy").astype(np.float64) @ dequantise(quantise(w, 8))
    assert np.abs(np.load("Y.npy") - exact).max() < 1e-5


def test_float_array_on_the_word_port(folder):
    result = run("sasp-4x4-fp32", *GEMM, "-o", "Y.npy")
    assert result.exit_code == 0, result.output
    assert np.abs(np.load("Y.npy") - np.load("X.npy").astype(np.float64) @ np.load("W.npy")).max() < 1e-5


def test_difference_is_found_and_nothing_written(folder, monkeypatch):
    def other(*arguments):
        words = golden_gemm(*arguments).copy()
        words[3, 5] ^= np.uint64(1)
        return words

    monkeypatch.setattr(simulate, "golden_gemm", other)
    result = run(*STREAM, *GEMM, "-o", "Y.npy")
    assert result.exit_code == 1
    assert "Y[3, 5] is " in result.stderr and "1 of 140 words differ" in result.stderr
    assert not Path("Y.npy").exists()


@pytest.mark.parametrize("array", [STREAM, ["sasp-4x4-fp32"]], ids=["stream", "word"])
def test_what_comes_in_is_checked_once(folder, monkeypatch, array):
    calls = []

    def counted(module, function):
        original = getattr(module, function)

        def wrapper(*arguments, **options):
            calls.append((function, *arguments[2:3]))
            return original(*arguments, **options)

        monkeypatch.setattr(module, function, wrapper)

    for name, module in list(sys.modules.items()):
        if name.startswith("tileloom_golden.") and hasattr(module, "check_words"):
            counted(module, "check_words")
    counted(interface, "from_plain")
    result = run(*array, *GEMM, "-o", "Y.npy")
    assert result.exit_code == 0, result.output
    assert sorted(calls) == [("check_words", "w"), ("check_words", "x"), ("from_plain",)]


def bad_matrices() -> None:
    weights = np.load("W8.npy")
    weights[2, 3] = -128
    np.save("low.npy", weights)
    activations = np.load("X.npy")
    activations[4, 1] = np.nan
    np.save("nan.npy", activations)
    np.save("vector.npy", np.zeros(5, np.float32))
    np.save("text.npy", np.array([["a", "b"]]))
    np.save("huge.npy", np.full((20, 10), 1e39))
    Path("empty.npy").touch()
    Path("there.npy").touch()


MISTAKES = {
    "magnitude -128": (
        [*weights("low"), "--activations", "X.npy"],
        "low.npy: element [2, 3] is -128",
    ),
    "not a number": (
        [*weights("W"), "--activations", "nan.npy"],
        "nan.npy: element [4, 1] is NaN",
    ),
    "out of range": (
        [*weights("W"), "--activations", "huge.npy"],
        "huge.npy: element [0, 0] over",
    ),
    "shapes": (
        [*weights("X"), "--activations", "W.npy"],
        "W.npy is 10 x 7 and X.npy as K x N is 20 x 10",
    ),
    "dimensions": (
        [*weights("vector"), "--activations", "X.npy"],
        "vector.npy: has shape (5,); weights are KN (K x N) or NK (N x K)",
    ),
    "dtype": ([*weights("W"), "--activations", "text.npy"], "text.npy"),
    "not npy": (
        ["--weights", "empty.npy", "--layout", "KN", "--activations", "X.npy"],
        "empty.npy: not an .npy file",
    ),
    "missing": (["--weights", "no.npy", "--layout", "KN", "--activations", "X.npy"], "no.npy"),
    "exists": ([*GEMM, "-o", "there.npy"], "there.npy: there already; --force"),
    "no folder": ([*GEMM, "-o", "no/Y.npy"], "no/Y.npy: no is not there; make that folder first"),
    "only weights": (["--weights", "W.npy"], "give both --weights and --activations"),
    "output alone": (["-o", "Y.npy"], "-o: is the result of your own data"),
    "rate": ([*GEMM, "--prune", "1.5"], "--prune"),
    "icarus": ([*GEMM, "--simulator", "icarus"], "--simulator: is for random data"),
    "field": (["--set", "add_stages=9"], "add_stages: must be from 1 to 5"),
    "no layout": ([*GEMM[:2], *GEMM[4:]], "--layout: say how W.npy lies: KN (K x N) or NK (N x K)"),
    "other layout": (
        ["--weights", "W.npy", "--layout", "NK", "--activations", "X.npy"],
        "W.npy as K x N is 7 x 10",
    ),
    "prune nothing": ([*GEMM, "--prune", "0"], "0: give a number above 0 to 1"),
    "prune nan": ([*GEMM, "--prune", "nan"], "nan: give a number above 0 to 1"),
    "seed": ([*GEMM, "--seed", "3"], "--seed: is for random data"),
    "prune alone": (["--prune", "0.5"], "--prune: goes with --weights"),
    "layout alone": (["--layout", "KN"], "--layout: goes with --weights"),
    "raw integers": (
        [*weights("W8"), "--activations", "X.npy", "--raw"],
        "--raw: W8",
    ),
    "per integers": (
        [*weights("W8"), "--activations", "X.npy", "--per", "column"],
        "--per: W8.npy is not quantised",
    ),
    "output is input": ([*GEMM, "-o", "X.npy", "--force"], "X.npy is an input of the same run"),
    "device": ([*GEMM, "-o", "/dev/null", "--force"], "/dev/null is no regular file"),
    "empty name": ([*GEMM, "-o", ""], "-o: "),
    "long name": ([*GEMM, "-o", "y" * 300], "-o: "),
    "other family": (["--stride", "2"], "--stride is for an xDecimate unit or a block-sparse tile engine"),
    "set twice": (["--set", "rows=3"], "--set rows: given twice"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_a_line(folder, name):
    arguments, message = MISTAKES[name]
    bad_matrices()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = run(*STREAM, *arguments)
    assert result.exit_code == 2, result.output
    last = result.stderr.strip().splitlines()[-1]
    assert message in last, last
    assert "Traceback" not in result.output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_square_matrix_lies_as_it_is_said_to(folder, rng):
    """It fits both ways, and only one is right."""
    square = rng.integers(-127, 128, (10, 10)).astype(np.int8)
    np.save("S.npy", square)
    exact = {"KN": np.load("X.npy").astype(np.float64) @ square}
    exact["NK"] = np.load("X.npy").astype(np.float64) @ square.T
    for layout, expected in exact.items():
        given = ("--weights", "S.npy", "--layout", layout, "--activations", "X.npy", "-o", f"{layout}.npy")
        assert run(*STREAM, *given).exit_code == 0
        assert np.abs(np.load(f"{layout}.npy") - expected).max() < 1e-3
    assert np.abs(exact["KN"] - exact["NK"]).max() > 1


def test_force_overwrites(folder):
    Path("Y.npy").touch()
    assert run(*STREAM, *GEMM, "-o", "Y.npy", "--force").exit_code == 0
    assert np.load("Y.npy").shape == (20, 7)


def test_regression(folder, seed):
    result = run(*STREAM, "--seed", str(seed[0]), "--json")
    figures = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert figures["passed"] and figures["transfers_compared"] > 100 and figures["failures"] == []
    again = json.loads(run(*STREAM, "--seed", str(seed[0]), "--json").stdout)
    assert again == figures


@pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="Icarus Verilog is not installed: sudo apt install iverilog"
)
def test_regression_in_icarus_leaves_waves(folder):
    arguments = [
        "stream-8x8-int8",
        "--set",
        "rows=2",
        "--set",
        "columns=1",
        "--set",
        "axi4_stream_names=true",
    ]
    result = run(*arguments, "--simulator", "icarus", "--waves")
    assert result.exit_code == 0, result.output
    waves = next(folder.glob("systolic_2x1_fp32_int8_stream_*.fst")).relative_to(folder)
    assert str(waves) in result.stderr and waves.stat().st_size > 1000


def test_waves_of_a_gemm(folder):
    result = run(*TINY, *GEMM, "--waves")
    assert result.exit_code == 0, result.output
    waves = next(folder.glob("systolic_2x1_fp32_int8_stream_*.vcd"))
    text = waves.read_text()
    assert "activations_data" in text
    assert run(*TINY, *GEMM, "--waves").exit_code == 2


@pytest.mark.parametrize(
    ("program", "advice"), [("g++", "sudo apt install g++ make"), ("make", "sudo apt install make")]
)
def test_missing_compiler(folder, monkeypatch, program, advice):
    toolchain.verilator.cache_clear()
    toolchain.compiler_version.cache_clear()
    which = shutil.which
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None if name == program else which(name))
    result = run(*STREAM, *GEMM)
    toolchain.verilator.cache_clear()
    toolchain.compiler_version.cache_clear()
    assert result.exit_code == 1
    assert advice in result.stderr.strip().splitlines()[-1]
