"""``--fuse``, ``--tiles`` and ``tileloom paper engine depth``: tables, and what is refused."""

import json

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_tiles_are_compared_with_layer_by_layer():
    arguments = (
        "compile",
        "vgg-16",
        "aie2-2x2",
        "--crop",
        "32x32",
        "--fuse",
        "conv1_1..pool1",
        "--tiles",
        "2x2",
    )
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert [each["tiles"] for each in figures["tiles"]] == [[1, 1], [2, 2]]
    plain, tiles = figures["tiles"]
    assert plain["multiplications"] == 1 < tiles["multiplications"]
    assert plain["active_bytes"] > tiles["active_bytes"]
    assert figures["nodes"][0]["node"] == "conv1_1@0" and tiles["network_seconds"] == figures["seconds"]
    table = run(*arguments)
    assert "conv1_1 to pool1 in tiles" in table.stdout and "2 x 2" in table.stdout


def test_without_a_number_the_least_time_is_taken():
    result = run("compile", "vgg-16", "aie2-2x2", "--crop", "32x32", "--fuse", "conv1_1..pool3", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    least = min(figures["tiles"], key=lambda each: each["seconds"])
    assert len(figures["tiles"]) > 4 and figures["seconds"] == least["network_seconds"]


def test_the_papers_case():
    result = run("paper", "engine", "depth", "--last", "pool1", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["first"], figures["last"]) == ("conv1_1", "pool1")
    assert [round(each / 2**20, 2) for each in figures["vgg_e_bytes"]] == [77.14, 3.64]
    seconds = {(each["tiles"][0], each["sparsity"]): each["seconds"] for each in figures["rows"]}
    assert min(seconds, key=lambda key: seconds[key]) == (3, 0.5)
    assert max(seconds, key=lambda key: seconds[key])[1] == 0.0
    assert [each["paper_seconds"] for each in figures["rows"]] == [0.025, 0.024, 0.022, 0.021, 0.014, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tiles", "2x2"), "--tiles: is of --fuse"),
        (("--fuse", "conv1_1..pool1", "--tiles", "2"), "'--tiles': '2' is not two numbers from 1 to 256"),
        (("--fuse", "conv1_1"), "--fuse: 'conv1_1' is neither two nodes such as conv1_1..pool2 nor spills"),
        (("--fuse", "conv1_1..pool"), "--fuse: VGG-16 has no pool; did you mean pool"),
        (("--fuse", "pool1..conv1_1"), "--fuse: the sub-graph has no nodes"),
        (("--fuse", "spills"), "--fuse: no nodes in a row of VGG-16 take activations to DDR and back"),
        (("--fuse", "conv1_1..pool1", "--gains"), "--gains: compiles at its own sparsities"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(arguments, message):
    result = run("compile", "vgg-16", "aie2-2x2", "--crop", "32x32", *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]
