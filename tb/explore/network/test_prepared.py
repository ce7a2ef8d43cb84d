"""The file of a prepared network: what hardware is given, and nothing edited unseen."""

from pathlib import Path

import numpy as np
import pytest

from explore.network.test_command import figures, folder, mistake
from support.seed import SEED
from tileloom_explore.network import quantise
from tileloom_explore.network.mapping import map_layer
from tileloom_explore.network.prepared import read_prepared

__all__ = ["folder"]


@pytest.mark.parametrize("zero_point", [False, True])
def test_what_the_hardware_is_given_is_in_the_file(folder: Path, zero_point: bool) -> None:
    """With the numbers of the file alone a layer comes out as `run` has it: bias, scale of 16 bits, shift."""
    field = ["--set", f"result_zero_point={str(zero_point).lower()}"]
    options = ["--calibrate", "x.npz", "--sparsity", "blocks:40%", "--activations", "uint8"]
    figures("prepare", "m.onnx", "--for", "engine-int8", "-o", "p.tileloom.npz", *field, *options)
    prepared = read_prepared(Path("p.tileloom.npz"))
    layer = prepared.network.layers[0]
    assert layer.quantisation is not None
    integers, worth = layer.quantisation.x, layer.quantisation.y
    assert integers is not None
    assert worth is not None
    with np.load("p.tileloom.npz") as archive:
        given = {name: archive[f"layer.0.hardware.{name}"] for name in ("mask.0", "bias", "scale", "shift")}
        there = "layer.0.hardware.zero_point" in archive.files
        zero = archive["layer.0.hardware.zero_point"] if there else np.zeros(24, np.int8)
    assert there == zero_point
    dtypes = {name: str(array.dtype) for name, array in given.items()}
    assert dtypes == {"mask.0": "bool", "bias": "int32", "scale": "uint16", "shift": "uint8"}
    assert np.array_equal(given["mask.0"], prepared.kept["fc0"]) and not given["mask.0"].all()
    x = np.random.default_rng(SEED).normal(size=(7, 20)).astype(np.float32)
    stored = integers.quantise(x) - 128
    sums = stored @ layer.weight_values[:, 0, 0].T.astype(np.int64) + given["bias"]
    exact = sums * given["scale"].astype(np.int64)
    half = np.int64(1) << (given["shift"].astype(np.int64) - 1)
    rounded = np.sign(exact) * ((abs(exact) + half) >> given["shift"].astype(np.int64))  # halves away from 0
    results = np.clip(rounded + zero, -128, 127) + 128
    wanted = np.maximum(worth.dequantise(results), 0)
    config = prepared.config
    found = [map_layer(config, layer).compute(layer.image(each[None]))[0, 0, 0] for each in x]
    assert np.array_equal(found, wanted)


def test_a_file_that_was_edited(folder: Path) -> None:
    figures("prepare", "m.onnx", "--for", "stream-8x8-int8", "-o", "p.tileloom.npz")
    with np.load("p.tileloom.npz") as archive:
        arrays = dict(archive)
    content = arrays["network.json"].tobytes()
    ran = ("run", "e.tileloom.npz", "stream-8x8-int8", "--estimate")

    def edited(**changed: np.ndarray) -> str:
        np.savez("e.tileloom.npz", **(arrays | changed))
        return mistake(*ran)

    told = "e.tileloom.npz: edited since it was written; prepare the model again"
    for old, new in (
        (b'"groups": 1', b'"groups": 0'),
        (b'"shape": [', b'"shape": ["x", '),
        (b'"fc0"', b"[]"),
    ):
        assert old in content
        wrong = np.frombuffer(content.replace(old, new), np.uint8)
        assert edited(**{"network.json": wrong}) == told
    assert edited(**{"layer.0.weights": arrays["layer.0.weights"] + np.int16(1)}) == told
    del arrays["digest"]
    assert "e.tileloom.npz: damaged (KeyError: 'digest'" in edited()


def test_tables_of_another_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures("prepare", "m.onnx", "--for", "engine-int8", "-o", "p.tileloom.npz", "--calibrate", "x.npz")
    rule = quantise.from_ratios
    monkeypatch.setattr(quantise, "from_ratios", lambda ratios: rule(1.01 * ratios))
    ran = ("run", "p.tileloom.npz", "engine-int8", "--estimate")
    assert mistake(*ran) == "fc0: bias was prepared by another version of Tileloom; prepare the model again"
