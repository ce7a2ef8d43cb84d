"""``tileloom generate|simulate|synth`` of engines: files, figures, and what wrong input is told."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_golden.engine.convolution import convolve, multiply
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.layer import Layer
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.program import command_word
from tileloom_golden.engine.sparse import from_dense
from tileloom_sim.engine.memory import memory_image

pytestmark = pytest.mark.usefixtures("generated_once")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(command: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == status, result.output
    return result.stdout if status == 0 else result.output


def test_generate(folder: Path) -> None:
    for preset, has_master in {"engine-int8": False, "engine-int8-axi4": True}.items():
        manifest = json.loads(call(f"generate {preset} --set m=2 --set k=4 --set bus=64 -o build --json"))
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
            "simulate engine-int8 --weights W.npy --layout KN --activations X.npy --bias B.npy --scale S.npy "
            "--shift T.npy --relu --prune 0.5 -o Y.npy --json"
        )
    )
    mask = block_mask(w.T[:, None, None, :], 0.5, (8, 8))
    pruned = w * np.repeat(np.repeat(mask, 8, 0), 8, 1)[:41, :19]
    exact = (multiply(x, pruned).astype(int) + bias) * scale / 2.0**25
    rounded = np.floor(np.abs(exact) + 0.5)
    np.testing.assert_array_equal(np.load(folder / "Y.npy"), np.clip(rounded, 0, 127) * (exact > 0))
    assert figures["results_compared"] == 23 * 19
    assert figures["blocks_kept"] == mask.sum()
    assert figures["saturated"] == ((rounded > 127) & (exact > 0)).sum()
    assert figures["files"] == {"results": "Y.npy"}


def test_convolution(folder: Path, rng: np.random.Generator) -> None:
    w = rng.integers(-20, 20, (9, 3, 2, 11)).astype(np.int8)
    x = rng.integers(-128, 128, (9, 7, 11), np.int8)
    np.save(folder / "W.npy", w.transpose(0, 3, 1, 2))
    np.save(folder / "X.npy", x)
    own = "simulate engine-int8 --weights W.npy --layout OIHW --activations X.npy --pads 1,0,0,1 --stride 2"
    output = call(f"{own} -o Y.npy --save-scale S.npy --save-shift T.npy")
    y = np.load(folder / "Y.npy").astype(int)
    exact = convolve(x, w, 2, (1, 0, 0, 1))
    assert y.shape == exact.shape
    # One scale for all, the largest result at 127.
    assert np.abs(y).max() == 127
    assert np.abs(y - exact * (127 / np.abs(exact).max())).max() <= 0.51
    # It is said, and what was saved gives the same.
    scale, shift = np.load(folder / "S.npy"), np.load(folder / "T.npy")
    assert f"{scale[0]}, for all 9 output channels" in output
    assert f"{shift[0]}, for all 9 output channels" in output
    call(f"{own} --scale S.npy --shift T.npy -o Z.npy")
    np.testing.assert_array_equal(np.load(folder / "Z.npy"), y)


def test_random_layers_replay(folder: Path) -> None:
    first, second = (json.loads(call("simulate engine-int8 --layers 10 --seed 5 --json")) for _ in range(2))
    assert first == second
    assert first["layers"] == 10
    # As it is typed, without commas; a share as of an array.
    table = call("simulate engine-int8 --layers 10 --seed 1234567")
    assert re.search(r"^ +seed +1234567 *$", table, re.MULTILINE)
    assert re.search(r"^ +utilisation +[0-9.]+% *$", table, re.MULTILINE)


def lines(path: Path) -> list[int]:
    return [int(line, 16) for line in path.read_text().split()]


def test_streams(folder: Path, rng: np.random.Generator) -> None:
    """What goes in by hand: commands, index, weights with headers, activations; and what comes out."""
    w, x = rng.integers(-128, 128, (20, 10), np.int8), rng.integers(-128, 128, (5, 20), np.int8)
    w[8:16, 8:] = 0
    np.save("W.npy", w)
    np.save("X.npy", x)
    np.save("B.npy", np.arange(10))
    own = "simulate engine-int8 --weights W.npy --layout KN --activations X.npy --bias B.npy"
    figures = json.loads(call(f"{own} -o Y.npy --streams made/layer --json"))
    made, y = folder / "made" / "layer", np.load("Y.npy")
    about = json.loads((made / "layer.json").read_text())
    assert {path.name for path in made.iterdir()} == {"layer.json", *about["files"]}
    for name, shape in about["files"].items():
        text = (made / name).read_text()
        assert text.count("\n") == shape["lines"]
        assert {len(line) for line in text.splitlines()} == {-(-shape["bits"] // 4)}
    program = compile_layer(Layer.product(5, 20, 10))
    assert lines(made / "commands.hex") == [command_word(slots) for slots in program.commands()]
    assert lines(made / "index.hex") == [0, 1, 0x8002, 0, 0x8002]
    weights = lines(made / "weights.hex")
    assert len(weights) == 2 * 4 + 5 * 4
    header = figures["scale"][1] << 32 | figures["shift"][1] << 48 | 1
    assert weights[0] >> 64 == header
    assert weights[4] == int.from_bytes(w[:2, :8].tobytes(), "little")
    assert lines(made / "activations.hex")[:5] == [int.from_bytes(row[:8].tobytes(), "little") for row in x]
    assert lines(made / "results.hex")[:5] == [int.from_bytes(row[:8].tobytes(), "little") for row in y]
    assert lines(made / "results_last.hex") == [0, 0, 0, 0, 1] * 2
    # All or nothing, and never over what is there.
    (made / "layer.json").unlink()
    assert "commands.hex: there already; --force" in call(f"{own} --streams made/layer", status=2)
    assert not (made / "layer.json").exists()
    call(f"{own} --streams made/layer --force")
    assert json.loads((made / "layer.json").read_text()) == about


def test_the_files_of_the_worked_example(folder: Path) -> None:
    """The command that ``docs/engine.md`` names makes the hexadecimal that the page shows."""
    arrays = {"X": [[1, 2, 3], [-4, 5, 6]], "W": [[1, -1], [2, 0], [0, 3]], "B": [10, -10], "S": [1, 1]}
    for name, array in arrays.items():
        np.save(f"{name}.npy", np.array(array))
    np.save("T.npy", np.array([1, 1]))
    page = (Path(__file__).parents[2] / "docs" / "engine.md").read_text()
    begin = page.index("    tileloom simulate engine-int8 --weights W.npy")
    command = page[begin : page.index("FOLDER", begin) + len("FOLDER")].replace("\\\n", " ")
    call(command.removeprefix("    tileloom "))
    shown = [line.strip() for line in page[:begin].splitlines() if line.startswith("    ")]
    made = [
        line
        for name in ("commands", "index", "weights", "activations", "results")
        for line in Path("FOLDER", f"{name}.hex").read_text().splitlines()
    ]
    assert len(made) == 3 + 1 + 8 + 2 + 2
    digits = [line for line in shown if set(line) <= set("0123456789abcdef")]
    assert made == digits


def test_memory(folder: Path, rng: np.random.Generator) -> None:
    """The same of an AXI4 master: memory, where the program starts, where results are."""
    w, x = rng.integers(-128, 128, (20, 10), np.int8), rng.integers(-128, 128, (5, 20), np.int8)
    np.save("W.npy", w)
    np.save("X.npy", x)
    np.save("S.npy", np.ones(10, int))
    np.save("T.npy", np.full(10, 8))
    call(
        "simulate engine-int8-axi4 --weights W.npy --layout KN --activations X.npy --scale S.npy "
        "--shift T.npy -o Y.npy --streams made"
    )
    made, y = folder / "made", np.load("Y.npy")
    about = json.loads((made / "layer.json").read_text())
    assert about["files"]["memory.hex"]["bits"] == 128
    headers = np.full(10, 1 << 32 | 8 << 48, np.uint64)
    program = compile_layer(Layer.product(5, 20, 10))
    image = memory_image(program, x[None], from_dense(w), headers, result_bytes=1)
    memory = b"".join(word.to_bytes(16, "little") for word in lines(made / "memory.hex"))
    assert memory == image.content
    assert (about["base"], about["start"], about["results"]) == (0, image.start, image.results)
    results = b"".join(word.to_bytes(16, "little") for word in lines(made / "results.hex"))
    assert about["results_bytes"] == image.results_size == len(results)
    after = bytearray(image.content)
    after[image.part(image.results, image.results_size)] = results
    np.testing.assert_array_equal(image.outputs(after)[0], y)


def test_synth(folder: Path) -> None:
    figures = json.loads(call("synth engine-int8 --set m=1 --set k=2 --set n=2 --set bus=64 --json"))
    shares = figures["origins"]
    assert {"dot product", "requantise", "walker", "control"} <= shares.keys()
    assert figures["memory_bits"] == {"A buffer": 2 * 1024 * 16, "accumulators": 2 * 16 * 2 * 32}
    assert figures["macs"] == 4
    # No memory is among the flip-flops.
    assert figures["flops"] < 6000


OWN = "simulate engine-int8 --weights W.npy --layout KN --activations X.npy"


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
        ("simulate engine-int8 --weights W.npy --activations X.npy", "--layout: say how W.npy lies: KN"),
        ("simulate engine-int8 --weights C.npy --activations X.npy", "--layout: say how C.npy lies: OHWI"),
        ("simulate engine-int8 -o Y.npy", "-o: is of your own layer"),
        ("simulate engine-int8 --streams made", "--streams: is of your own layer"),
        ("simulate engine-int8 --save-scale S.npy", "--save-scale: is of your own layer"),
        ("simulate engine-int8 --stride 2", "--stride: goes with --weights and --activations"),
        ("simulate engine-int8 --layout KN", "--layout: goes with --weights and --activations"),
        (f"{OWN} --seed 3", "--seed: is for random layers"),
        (
            f"{OWN} --scale T3.npy --shift T3.npy --save-shift T.npy",
            "--save-shift: is for what is chosen",
        ),
        (
            f"{OWN} --set requantise=false --save-shift S.npy",
            "--save-shift: is for results",
        ),
        (f"{OWN} --set requantise=false --scale T3.npy --shift T3.npy", "--scale: is for results that are"),
        (f"{OWN} -o X.npy --force", "-o: X.npy is an input of the same run"),
        (f"{OWN} --streams text.txt", "text.txt"),
        ("simulate engine-int8 --weights W.npy --layout KN --activations W.npy", "3 channels"),
        ("simulate engine-int8 --weights W.npy --layout KN --activations F.npy", "F.npy: float64 of shape"),
        (
            "simulate engine-int8 --weights W.npy --layout KN --activations B.npy",
            "B.npy: element [1, 2] is",
        ),
        ("simulate engine-int8 --weights W.npy --layout KN --activations text.txt", "not an .npy file"),
        (f"{OWN} --pads 1", "go with a convolution"),
        (f"{OWN} --bias U.npy", "U.npy: element [1] is 9223372036854775808, beyond INT64"),
        (f"{OWN} --scale X.npy --shift X.npy", "X.npy: has shape (2, 5), not (3,)"),
        (f"{OWN} --scale T3.npy --shift L3.npy", "L3.npy: element [2] is 64; must be from 0 to 63"),
        ("simulate engine-int8 --pads 1,2", "has 2 numbers, not 1 or 4"),
    ],
)
def test_mistakes_are_told_in_a_line(
    folder: Path, arguments: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tileloom_sim.engine.simulate.generate", None)
    np.save("W.npy", np.ones((5, 3), np.int8))
    np.save("X.npy", np.ones((2, 5), np.int8))
    np.save("C.npy", np.ones((5, 3, 3, 5), np.int8))
    np.save("F.npy", np.ones((2, 5)))
    np.save("T3.npy", np.ones(3, int))
    np.save("L3.npy", np.array([1, 2, 64]))
    np.save("U.npy", np.array([0, 2**63, 0], np.uint64))
    too_large = np.ones((2, 5), np.int64)
    too_large[1, 2] = 128
    np.save("B.npy", too_large)
    Path("text.txt").write_text("no array")
    before = set(folder.iterdir())
    output = call(arguments, status=2)
    assert message in output
    assert "Traceback" not in output
    assert set(folder.iterdir()) == before
