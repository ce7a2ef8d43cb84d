"""``tileloom roofline --network``: the layers of a prepared network cost what the network's own page says."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from explore.network.models import make, save
from tileloom.cli.main import main
from tileloom.families import load
from tileloom_explore.network.mapping import map_layer
from tileloom_explore.network.prepared import read_prepared
from tileloom_explore.roofline.designs import Setting
from tileloom_explore.roofline.study import network_points


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a network of two images, prepared: convolutions, by groups and 1 x 1 too, and one of zeros."""
    folder = tmp_path_factory.mktemp("network")
    rng = np.random.default_rng(5)
    shapes = {"wide": (24, 9, 3, 3), "groups": (24, 12, 3, 3), "point": (20, 24, 1, 1), "none": (4, 20, 1, 1)}
    constants = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    constants["none"][:] = 0
    pads = {"wide": {"pads": [1, 1, 1, 1]}, "groups": {"group": 2, "strides": [2, 2]}}
    nodes, tensor = [], "x"
    for name in shapes:
        nodes.append(make("Conv", [tensor, name], [f"{name}.y"], name, **pads.get(name, {})))
        tensor = f"{name}.y"
    save(folder / "m.onnx", nodes, {"x": ("float32", [2, 9, 11, 10])}, [tensor], constants)
    np.savez(folder / "x.npz", x=rng.normal(size=(4, 9, 11, 10)).astype(np.float32))
    files = {}
    for config, options in {
        "stream-8x8-int8": ["--sparsity", "tiles:30%"],
        "engine-int8": ["--calibrate", str(folder / "x.npz"), "--sparsity", "blocks:30%"],
    }.items():
        files[config] = folder / f"{config}.tileloom.npz"
        arguments = ["network", "prepare", str(folder / "m.onnx"), "--for", config, *options, "-o"]
        result = CliRunner().invoke(main, [*arguments, str(files[config])])
        assert result.exit_code == 0, result.output
    return files


@pytest.mark.parametrize("name", ["stream-8x8-int8", "engine-int8"])
def test_cycles_and_operations_are_those_of_the_network(name: str, prepared: dict[str, Path]) -> None:
    config, network = load(name), read_prepared(prepared[name])
    points = {point.layer: point for point in network_points(prepared[name], [config], Setting())}
    assert list(points) == ["wide", "groups", "point"]
    for layer in network.network.layers[:3]:
        image = layer.image_shape(network.shapes[layer.name])
        point, cost = points[layer.name], map_layer(config, layer).cost(image)
        assert (point.counts.cycles, point.source) == (cost.cycles, cost.source)
        assert point.counts.macs == cost.macs and point.dense_operations == 2 * layer.macs(image)
        assert point.mac_utilisation == pytest.approx(cost.utilisation)
        assert point.sparsity == pytest.approx(cost.skipped / cost.units)
        assert point.throughput <= point.roof * (1 + 1e-9)
    assert points["groups"].sparsity > 0.3


def test_the_command(prepared: dict[str, Path]) -> None:
    words = f"roofline stream-8x8-int8 stream-8x8-fp32 --network {prepared['stream-8x8-int8']} --json"
    result = CliRunner().invoke(main, words.split())
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["points"]) == 6 and [move["layer"] for move in found["moves"]] == [
        "wide",
        "groups",
        "point",
    ]
    assert "seed" not in found and "none: all weights are zero; no point" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("engine-int8 --network {file} --gemm 1,2,3", "--gemm: not with --network"),
        ("engine-int8 --network {file} --sparsity 0.5", "--sparsity: not with --network, which has its own"),
        (
            "engine-int8 --network {file} --measure",
            "--measure: not with --network; tileloom network run --rtl",
        ),
        ("engine-int8 --network {file} --html {file} --force", "is an input of the same run"),
        ("engine-int8 --network m.toml", "File 'm.toml' does not exist"),
        ("engine-int8 --network {other}", "wide: the core takes INT8, and these are floats"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(words: str, message: str, prepared: dict[str, Path]) -> None:
    named = words.format(file=prepared["engine-int8"], other=prepared["stream-8x8-int8"])
    result = CliRunner().invoke(main, ["roofline", *named.split()])
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]
