"""``tileloom network``: from a model and data to cycles, bytes and accuracy, in RTL too; mistakes."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from explore.network.models import answers, make, perceptron, save
from support.seed import SEED
from tileloom.cli.main import main
from tileloom_explore.network import run as network_run
from tileloom_explore.network.prepared import read_prepared

SAMPLES = 40


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["network", *map(str, arguments)])


def figures(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def mistake(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.stderr
    return lines[0].removeprefix("Error: ")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a perceptron, and data on which it is always right."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(SEED)
    perceptron(Path("m.onnx"), rng)
    x = rng.normal(size=(SAMPLES, 20)).astype(np.float32)
    scores = np.concatenate([answers(Path("m.onnx"), {"x": each[None]})["y"] for each in x])
    np.savez("x.npz", x=x, labels=scores.argmax(axis=1))
    return tmp_path


def test_show(folder: Path) -> None:
    found = figures("show", "m.onnx")
    assert [(layer["name"], layer["macs"], layer["weights"]) for layer in found["layers"]] == [
        ("fc0", 480, [24, 1, 1, 20]),
        ("fc1", 240, [10, 1, 1, 24]),
    ]
    takes = found["layers"][0]["takes"]
    assert takes["stream-8x8-fp32"] == [True, "yes"]
    assert takes["engine-int8"] == [True, "quantised"]
    alone = figures("show", "m.onnx", "--for", "xfu-unit")["layers"][0]["takes"]
    assert alone == {"xfu-unit": [False, "the unit alone has no core to run kernels on"]}
    text = run("show", "m.onnx", "--for", "xfu-unit").stdout
    assert "Why not" in text
    assert "(1)" in text


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ("stream-8x8-fp32", []),
        ("stream-8x8-int8", ["--sparsity", "tiles:25%"]),
        ("engine-int8", ["--calibrate", "x.npz", "--sparsity", "blocks:20%:l2"]),
        ("engine-fp32-int8", ["--sparsity", "blocks:20%"]),
        ("xfu-cv32e40p", ["--calibrate", "x.npz", "--sparsity", "nm:1:4", "--activations", "uint8"]),
    ],
)
def test_prepare_and_run(folder: Path, config: str, options: list[str]) -> None:
    done = figures("prepare", "m.onnx", "--for", config, "-o", "p.tileloom.npz", *options)
    assert done["files"] == {"network": "p.tileloom.npz"}
    removed = sum(layer.get("removed", 0) for layer in done["layers"])
    assert bool(removed) == ("--sparsity" in options)
    found = figures("run", "p.tileloom.npz", config, "--data", "x.npz", "--labels", "-o", "y.npz")
    assert found["inferences"] == SAMPLES
    assert found["accuracy"]["top-1"]["original"] == 1
    assert found["accuracy"]["top-1"]["hardware"] > 0.3  # of ten classes, unretrained
    if not options:
        assert all(layer["sqnr_db"] > 100 for layer in found["layers"])
    for total in ("cycles", "bytes", "macs", "skipped"):
        assert found[total] == sum(layer[total] for layer in found["layers"])
    assert bool(found["skipped"]) == ("--sparsity" in options)
    with np.load("y.npz") as outputs:
        assert outputs["y"].shape == (SAMPLES, 10)
    alone = figures("run", "p.tileloom.npz", config, "--estimate")
    assert (alone["cycles"], alone["bytes"]) == (found["cycles"], found["bytes"])
    assert "accuracy" not in alone


@pytest.mark.parametrize("config", ["stream-8x8-int8", "engine-int8"])
def test_layers_run_in_rtl(folder: Path, config: str) -> None:
    needed = ["--calibrate", "x.npz"] if config == "engine-int8" else []
    figures("prepare", "m.onnx", "--for", config, "-o", "p.tileloom.npz", *needed)
    found = figures("run", "p.tileloom.npz", config, "--data", "x.npz", "--rtl", "fc1,fc0")
    for layer, words in zip(found["layers"], (24, 10), strict=True):
        assert layer["words_compared"] == words
        if config == "stream-8x8-int8":
            assert layer["rtl_cycles"] == layer["cycles"]
        assert abs(layer["rtl_cycles"] - layer["cycles"]) <= 6
    some = figures("run", "p.tileloom.npz", config, "--data", "x.npz", "--rtl", "fc1")
    assert ["rtl_cycles" in layer for layer in some["layers"]] == [False, True]


def test_the_rate_is_of_the_golden_models_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures("prepare", "m.onnx", "--for", "stream-8x8-int8", "-o", "p.tileloom.npz")
    prepared, clock = read_prepared(Path("p.tileloom.npz")), [0.0]

    def simulate(*_: object) -> None:
        clock[0] += 1000

    monkeypatch.setattr(network_run, "_simulate", simulate)
    monkeypatch.setattr(network_run, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    inputs = [{"x": np.ones((1, 20), np.float32)}]
    found = network_run.run_network(prepared, prepared.config, inputs, in_rtl=["fc0"])
    assert clock == [1000] and found.seconds == 0


@pytest.mark.parametrize(
    ("config", "activations", "results"),
    [("stream-8x8-int8", "fp32", "fp32"), ("xfu-cv32e40p", "int8", "int32"), ("engine-int8", "int8", "int8")],
)
def test_types_of_layers_are_those_of_the_hardware(
    folder: Path, config: str, activations: str, results: str
) -> None:
    needed = [] if activations == "fp32" else ["--calibrate", "x.npz"]
    layer = figures("prepare", "m.onnx", "--for", config, "-o", "p.tileloom.npz", *needed)["layers"][0]
    found = [layer[name].split(",")[0] for name in ("activations", "weights", "results")]
    assert found == [activations, "int8", results]


def test_what_is_prepared_is_read_back(folder: Path) -> None:
    options = ["--calibrate", "x.npz", "--sparsity", "blocks:40%", "--asymmetric-weights"]
    figures("prepare", "m.onnx", "--for", "engine-int8", "-o", "p.tileloom.npz", *options)
    prepared = read_prepared(Path("p.tileloom.npz"))
    for layer, original in zip(prepared.network.layers, prepared.original.layers, strict=True):
        assert layer.quantisation is not None
        assert original.quantisation is None
        kept = prepared.kept[layer.name]
        values = layer.weight_values[:, 0, 0].T
        for row, column in np.argwhere(~kept):
            assert not values[8 * row : 8 * row + 8, 8 * column : 8 * column + 8].any()
    assert not all(kept.all() for kept in prepared.kept.values())


def test_a_chart_and_a_metric_of_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text("def error(found, wanted):\n    return (found.argmax(1) != wanted).mean()\n")
    monkeypatch.setattr("sys.path", [*sys.path])  # the command looks in the current folder by itself
    figures("prepare", "m.onnx", "--for", "stream-8x8-int8", "-o", "p.tileloom.npz")
    options = ["--data", "x.npz", "--metric", "mine:error", "--chart", "c.svg"]
    found = figures("run", "p.tileloom.npz", "stream-8x8-int8", *options)
    assert found["accuracy"]["mine:error"]["original"] == 0
    drawn = Path("c.svg").read_text()
    assert drawn.startswith("<?xml")
    assert all(text in drawn for text in ("fc0", "fc1", "cycles of an inference", "dB"))
    figures("run", "p.tileloom.npz", "stream-8x8-int8", *options, "--force")
    assert Path("c.svg").read_text() == drawn


def test_single_layers(folder: Path) -> None:
    rng = np.random.default_rng(SEED)
    weight, bias = rng.normal(size=(6, 2, 3, 3)).astype(np.float32), rng.normal(size=6).astype(np.float32)
    np.savez("w.npz", weight=weight, bias=bias)
    x = rng.normal(size=(1, 4, 9, 9)).astype(np.float32)
    node = make("Conv", ["x", "w", "b"], ["y"], pads=[1, 0, 0, 2], strides=[2, 2], group=2)
    path = save(Path("c.onnx"), [node], {"x": ("float32", [1, 4, 9, 9])}, ["y"], {"w": weight, "b": bias})
    np.savez("i.npz", x=x)
    options = ["--layout", "OIHW", "--shape", "x=1,4,9,9", "--pads", "1,0,0,2", "--stride", 2, "--group", 2]
    figures("prepare", "w.npz", "--for", "stream-8x8-fp32", *options, "-o", "p.tileloom.npz")
    figures("run", "p.tileloom.npz", "stream-8x8-fp32", "--data", "i.npz", "-o", "y.npz")
    with np.load("y.npz") as outputs:
        assert np.allclose(outputs["y"], answers(path, {"x": x})["y"], atol=1e-4)
    from safetensors.numpy import save_file

    save_file({"a.weight": weight[:, :, 0, 0].copy(), "b.weight": weight}, "t.safetensors")
    layers = figures("show", "t.safetensors", "--tensor", "a.weight", "--layout", "NK", "--shape", "x=5,2")[
        "layers"
    ]
    assert (layers[0]["macs"], layers[0]["weights"]) == (60, [6, 1, 1, 2])
    assert "--layout: say how w.npz: weight lies: OHWI" in mistake("show", "w.npz", "--shape", "x=1,2,9,9")
    assert "2 tensors could be weights; say which" in mistake("show", "t.safetensors", "--layout", "NK")
    assert "--layout KN: w.npz: weight has 4" in mistake("show", "w.npz", "--layout", "KN")
    # The other layout of the same numbers asks for other channels: never guessed.
    assert "takes 3 channels" in mistake("show", "w.npz", "--layout", "OHWI", "--shape", "x=1,2,9,9")


def test_mistakes(folder: Path) -> None:
    prepare = ("prepare", "m.onnx", "-o", "p.tileloom.npz", "--for")
    assert "fc0: floats, and this hardware takes INT8" in mistake(*prepare, "engine-int8")
    assert "--sparsity blocks: this hardware leaves out tiles" in mistake(
        *prepare, "stream-8x8-int8", "--sparsity", "blocks:20%"
    )
    assert "--calibrate: this hardware and network need no ranges" in mistake(
        *prepare, "stream-8x8-fp32", "--calibrate", "x.npz"
    )
    assert "--layers: goes with --sparsity" in mistake(*prepare, "stream-8x8-fp32", "--layers", "fc0")
    assert "--weight-bits: goes with --calibrate" in mistake(*prepare, "engine-int8", "--weight-bits", 4)
    assert "--percentile: goes with --method percentile" in mistake(
        *prepare, "engine-int8", "--calibrate", "x.npz", "--percentile", 99
    )
    assert "must end in .tileloom.npz" in mistake("prepare", "m.onnx", "--for", "engine-int8", "-o", "p.npz")
    assert "'fc7' fits no layer" in mistake(
        *prepare, "stream-8x8-int8", "--sparsity", "tiles:20%", "--except", "fc7"
    )
    assert "fc0: the unit alone has no core" in mistake(*prepare, "xfu-unit", "--calibrate", "x.npz")
    assert not Path("p.tileloom.npz").exists()
    figures(*prepare, "stream-8x8-int8")
    assert "p.tileloom.npz: there already; --force" in mistake(*prepare, "stream-8x8-int8")
    ran = ("run", "p.tileloom.npz", "stream-8x8-int8")
    assert "give --data X.npz to run, or --estimate" in mistake(*ran)
    assert "--rtl: goes with --data" in mistake(*ran, "--estimate", "--rtl", "all")
    assert "'fc9' fits no layer; did you mean fc1?" in mistake(*ran, "--data", "x.npz", "--rtl", "fc9")
    assert "m.onnx: not a prepared network" in mistake("run", "m.onnx", "stream-8x8-int8", "--estimate")
    assert "x.npz: not a prepared network" in mistake("run", "x.npz", "stream-8x8-int8", "--estimate")


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"z": np.zeros((1, 20))}, [], "d.npz: z: no input of the network; inputs: x"),
        ({}, [], "d.npz: x: missing"),
        ({"x": np.zeros((3, 21))}, [], "d.npz: x has the shape (3, 21); 1 x 20 is needed"),
        ({"x": np.full((1, 20), np.nan)}, [], "d.npz: x[0, 0] is NaN, infinite or beyond float32"),
        ({"x": np.zeros((1, 20), complex)}, [], "d.npz: x is complex128; float32 is needed"),
        (
            {"x": np.zeros((2, 20))},
            ["--labels"],
            "d.npz: labels: missing, to compare answers with; arrays: x",
        ),
        ({"x": np.zeros((2, 20)), "labels": np.array([1])}, ["--labels"], "labels are int64 of shape (1,)"),
    ],
)
def test_wrong_data(folder: Path, arrays: dict[str, Any], options: list[str], message: str) -> None:
    figures("prepare", "m.onnx", "--for", "stream-8x8-int8", "-o", "p.tileloom.npz")
    np.savez("d.npz", **arrays)
    ran = ("run", "p.tileloom.npz", "stream-8x8-int8", "--data", "d.npz", *options)
    assert message in mistake(*ran)


def test_layers_that_do_not_fit_can_be_left_to_the_host(folder: Path) -> None:
    rng = np.random.default_rng(SEED)
    nodes = [
        make("MatMulInteger", ["x", "w"], ["s"], "sums"),
        make("Cast", ["s"], ["f"], to=1),
        make("MatMul", ["f", "v"], ["y"], "product"),
    ]
    constants = {
        "w": rng.integers(0, 256, (4, 5)).astype(np.uint8),
        "v": rng.normal(size=(5, 3)).astype(np.float32),
    }
    save(Path("i.onnx"), nodes, {"x": ("uint8", [2, 4])}, ["y"], constants)
    np.savez("i.npz", x=rng.integers(0, 256, (6, 4)).astype(np.uint8))
    prepare = ("prepare", "i.onnx", "--for", "engine-int8", "--calibrate", "i.npz", "-o", "p.tileloom.npz")
    assert "sums: results are INT32" in mistake(*prepare)
    done = figures(*prepare, "--host", "sums")
    assert [layer["name"] for layer in done["layers"]] == ["product"]
    found = figures("run", "p.tileloom.npz", "engine-int8", "--data", "i.npz")
    assert found["inferences"] == 3
    assert found["layers"][0]["sqnr_db"] > 20
