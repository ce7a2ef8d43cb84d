"""Networks of files on grids: outputs are those of the golden models, the host between layers."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from onnx import helper

from explore.network.models import save
from tileloom.cli.main import main
from tileloom_explore.compiler.prepared.mapped import load_mapped


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def network(path: Path, rng: np.random.Generator) -> Path:
    """Write two convolutions after one another, a pooling, one in groups with an addition, and a product."""
    make = helper.make_node
    weights = {
        "first": rng.normal(size=(16, 3, 3, 3)),
        "second": rng.normal(size=(24, 16, 3, 3)) / 12,
        "grouped": rng.normal(size=(24, 1, 3, 3)) / 3,
        "beside": rng.normal(size=(24, 24, 1, 1)) / 5,
        "dense": rng.normal(size=(24 * 5 * 4, 10)) / 20,
    }
    nodes = [
        make("Conv", ["x", "first"], ["a"], "first", pads=[1] * 4),
        make("Relu", ["a"], ["b"], "relu"),
        make("Conv", ["b", "second"], ["c"], "second", pads=[1] * 4),
        make("Relu", ["c"], ["d"], "relu2"),
        make("MaxPool", ["d"], ["e"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        make("Conv", ["e", "grouped"], ["f"], "grouped", pads=[1] * 4, group=24),
        make("Conv", ["e", "beside"], ["g"], "a name with blanks"),
        make("Add", ["f", "g"], ["h"], "add"),
        make("Flatten", ["h"], ["i"], "flat"),
        make("MatMul", ["i", "dense"], ["y"], "scores"),
    ]
    constants = {name: values.astype(np.float32) for name, values in weights.items()}
    save(path, nodes, {"x": ("float32", (1, 3, 10, 8))}, ["y"], constants)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a network, prepared with symmetric activations and without, and data."""
    path, rng = tmp_path_factory.mktemp("prepared"), np.random.default_rng(3)
    model = network(path / "net.onnx", rng)
    np.savez(path / "data.npz", x=rng.normal(size=(4, 3, 10, 8)).astype(np.float32))
    for name, options in (("symmetric", ["--symmetric"]), ("plain", [])):
        output = path / f"{name}.tileloom.npz"
        arguments = ["network", "prepare", model, "--for", "engine-int8", "--calibrate", path / "data.npz"]
        result = run(*arguments, "--sparsity", "blocks:25%", "-o", output, *options)
        assert result.exit_code == 0, result.output
    return path


def test_layers_that_follow_each_other_stay_with_the_grid(folder):
    symmetric, plain = (load_mapped(folder / f"{name}.tileloom.npz") for name in ("symmetric", "plain"))
    assert [node.name for node in symmetric.graph.nodes][:2] == ["first", "second"]
    # Zero points that are not 0 are padded by the host, so that what is between goes there.
    assert "second.x" not in symmetric.graph.inputs and "second.x" in plain.graph.inputs
    assert "first" not in symmetric.graph.handed and "first" in plain.graph.handed
    assert "a_name_with_blanks" in {node.name for node in plain.graph.nodes}
    # Channels by themselves are blocks on the diagonal.
    assert symmetric.graph.kept["grouped"].sum() <= 3


@pytest.mark.parametrize("name", ["symmetric", "plain"])
@pytest.mark.parametrize("grid", ["aie2-2x2", "engine-2x3"])
def test_outputs_are_those_of_the_golden_models(folder, name, grid):
    file = folder / f"{name}.tileloom.npz"
    result = run("compile", file, grid, "--check", "--data", folder / "data.npz", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["nodes"]) == 5 and "bit for bit" in result.stderr


def test_in_tiles_and_in_rtl(folder, tmp_path):
    file, data = folder / "symmetric.tileloom.npz", folder / "data.npz"
    arguments = ["compile", file, "engine-2x2", "--fuse", "first..second", "--tiles", "2x1"]
    commands = tmp_path / "commands.txt"
    result = run(*arguments, "--rtl", "--data", data, "--json", "--commands", commands)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["rtl"]
    assert all(each["words"] and each["cycles"] for each in found)
    # The golden model's estimate is RTL's cycles, but for a few as something begins.
    assert all(0 <= each["cycles"] - each["alone"] <= 8 for each in found)
    assert commands.read_text().startswith("# first@0\n0 0 ")
    nodes = [each["node"] for each in found]
    assert nodes[:4] == ["first@0", "second@0", "first@1", "second@1"] and len(nodes) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("net.onnx", "engine-2x2"), "net.onnx: prepare it first"),
        (("plain.tileloom.npz", "engine-2x2", "--check"), "--data: goes with --check or --rtl"),
        (("plain.tileloom.npz", "engine-2x2", "--crop", "8x8"), "--crop and --sparsity: a prepared network"),
        (("data.npz", "engine-2x2"), "not a prepared network"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(folder, arguments, message):
    result = run("compile", folder / arguments[0], *arguments[1:])
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]


def test_other_hardware_is_refused(folder, tmp_path):
    output = tmp_path / "array.tileloom.npz"
    assert (
        run("network", "prepare", folder / "net.onnx", "--for", "stream-8x8-int8", "-o", output).exit_code
        == 0
    )
    result = run("compile", output, "engine-2x2")
    assert result.exit_code == 2 and "the compiler takes engine-int8" in result.stderr
