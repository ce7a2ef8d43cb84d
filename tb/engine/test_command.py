"""``tileloom engine``: generate, a layer of the user's, synthesis, and what wrong input is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_golden.engine.convolution import multiply
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.integers import convolve


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(command: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["engine", *command.split()])
    assert result.exit_code == status, result.output
    return result.stdout if status == 0 else result.output


def test_generate(folder: Path) -> None:
    for preset, has_master in {
        "engine-int8": False,
        "engine-int8-axi4": True,
        "engine-fp32-int8": False,
    }.items():
        manifest = json.loads(call(f"generate {preset} -o build --json"))
        verilog = (folder / "build" / f"{manifest['name']}.v").read_text()
        assert f"module {manifest['name']}(" in verilog
        assert json.loads((folder / "build" / f"{manifest['name']}.json").read_text()) == manifest
        assert ("m_axi_araddr" in verilog) == has_master


def test_product(folder: Path, rng: np.random.Generator) -> None:
    w = rng.integers(-128, 128, (41, 19), np.int8)
    x = rng.integers(-128, 128, (23, 41), np.int8)
    bias, scale = rng.integers(-(2**15), 2**15, 19), rng.integers(1, 2**16, 19)
    for name, array in {"W": w, "X": x, "B": bias, "S": scale, "T": np.full(19, 25)}.items():
        np.save(folder / f"{name}.npy", array)
    figures = json.loads(
        call(
            "simulate engine-int8 --weights W.npy --activations X.npy --bias B.npy --scale S.npy "
            "--shift T.npy --relu --prune 0.5 -o Y.npy --json"
        )
    )
    mask = block_mask(w.T[:, None, None, :], 0.5, (8, 8))
    pruned = w * np.repeat(np.repeat(mask, 8, 0), 8, 1)[:41, :19]
    exact = (multiply(x, pruned).astype(int) + bias) * scale / 2.0**25
    expected = np.clip(np.floor(np.abs(exact) + 0.5), 0, 127) * (exact > 0)
    np.testing.assert_array_equal(np.load(folder / "Y.npy"), expected)
    assert figures["results_compared"] == 23 * 19
    assert figures["blocks_kept"] == mask.sum()


def test_convolution(folder: Path, rng: np.random.Generator) -> None:
    w = rng.integers(-20, 20, (9, 3, 2, 11)).astype(np.int8)
    x = rng.integers(-128, 128, (9, 7, 11), np.int8)
    np.save(folder / "W.npy", w)
    np.save(folder / "X.npy", x)
    call("simulate engine-int8 --weights W.npy --activations X.npy --pads 1,0,0,1 --stride 2 -o Y.npy")
    y = np.load(folder / "Y.npy").astype(int)
    exact = convolve(x, w, 2, (1, 0, 0, 1))
    assert y.shape == exact.shape
    # One scale for all, the largest result at 127.
    assert np.abs(y).max() == 127
    assert np.abs(y - exact * (127 / np.abs(exact).max())).max() <= 0.51


def test_random_layers_replay(folder: Path) -> None:
    first, second = (json.loads(call("simulate engine-int8 --layers 10 --seed 5 --json")) for _ in range(2))
    assert first == second
    assert first["layers"] == 10


def test_synth(folder: Path) -> None:
    figures = json.loads(call("synth engine-int8 --set m=1 --set n=2 --set bus=64 --json"))
    shares = figures["origins"]
    assert {"dot product", "requantise", "walker", "control"} <= shares.keys()
    assert figures["memory_bits"] == {"A buffer": 2 * 1024 * 64, "accumulators": 2 * 16 * 2 * 32}
    assert figures["macs"] == 16
    # No memory is among the flip-flops.
    assert figures["flops"] < 6000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("generate engine-int7", "engine-int7: neither a preset nor a .toml file"),
        ("generate engine-int8 --set bus=65", "engine-int8: bus: must be a multiple of 64"),
        ("generate engine-int8 --set core=magic", "core: must be dot-product or systolic"),
        ("generate engine-int8 --set colour=red", "colour: no such field"),
        ("generate engine-fp32 --set m=4", "m: must be 1 with a systolic core"),
        ("generate engine-int8-axi4 --set k=6", "k: an AXI4 master moves units"),
        ("simulate engine-int8 --weights W.npy", "give both --weights and --activations"),
        ("simulate engine-fp32", "engines of the dot-product core"),
        ("simulate engine-int8 --weights W.npy --activations W.npy", "3 channels"),
        ("simulate engine-int8 --weights W.npy --activations F.npy", "F.npy: float64 of shape"),
        ("simulate engine-int8 --weights W.npy --activations B.npy", "B.npy: [1, 2] is 128"),
        ("simulate engine-int8 --weights W.npy --activations T.npy", "T.npy: not an .npy file"),
        ("simulate engine-int8 --weights W.npy --activations X.npy --pads 1", "go with a convolution"),
        ("simulate engine-int8 --weights W.npy --activations X.npy --scale X.npy", "not (3,)"),
        ("simulate engine-int8 --pads 1,2", "has 2 numbers, not 1 or 4"),
    ],
)
def test_mistakes_are_told_in_a_line(folder: Path, arguments: str, message: str) -> None:
    np.save(folder / "W.npy", np.ones((5, 3), np.int8))
    np.save(folder / "X.npy", np.ones((2, 5), np.int8))
    np.save(folder / "F.npy", np.ones((2, 5)))
    too_large = np.ones((2, 5), np.int64)
    too_large[1, 2] = 128
    np.save(folder / "B.npy", too_large)
    (folder / "T.npy").write_text("no array")
    output = call(arguments, status=2)
    assert message in output
    assert "Traceback" not in output
