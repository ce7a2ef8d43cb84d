"""``tileloom compile``: tables, programs, pictures, and what is refused before work starts."""

import json

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_explore.compiler.program import from_text


def run(*arguments):
    return CliRunner().invoke(main, ["compile", *arguments])


def test_a_network(tmp_path):
    program, picture = tmp_path / "vgg.asm", tmp_path / "vgg.svg"
    result = run(
        *("vgg-16", "aie2-2x2", "--crop", "32x32", "--sparsity", "0.5", "--check", "--json"),
        *("-o", str(program), "--svg", str(picture), "--node", "conv2_1"),
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["network"] == "VGG-16" and figures["grid"] == "2x2"
    assert sum(node["seconds"] for node in figures["nodes"]) == pytest.approx(figures["seconds"])
    assert len(from_text(program.read_text())) == figures["steps"]
    assert "conv2_1 on aie2-2x2" in picture.read_text()
    assert "bit for bit" in result.stderr
    refused = run("vgg-16", "aie2-2x2", "-o", str(program))
    assert refused.exit_code == 2 and "--force" in refused.stderr


def test_gains():
    result = run("vgg-16", "aie2-4x4", "--crop", "32x32", "--gains", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert rows[0]["node"] == "conv1_2" and len(rows) == 12
    assert all(len(row["seconds"]) == len(row["bounds"]) == 4 for row in rows)
    table = run("vgg-16", "aie2-4x4", "--crop", "32x32", "--gains")
    assert "communication from" in table.stdout and "conv5_3" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg16", "aie2-4x4"), "vgg16: no such network; did you mean vgg-16?"),
        (("vgg-16", "aie-4x4"), "aie-4x4: neither a grid such as aie2-4x4 nor a .toml file"),
        (("vgg-16", "aie2-4x4", "--crop", "8"), "'--crop': '8' is not two numbers"),
        (("inception-v3", "aie2-4x4", "--crop", "16x16"), "--crop: 16x16 is too small for Inception-v3"),
        (("vgg-16", "aie2-4x4", "--node", "conv1_1"), "--node: is of --svg"),
        (("vgg-16", "aie2-4x4", "--svg", "x.svg", "--node", "conv"), "--node: VGG-16 has no conv"),
        (("vgg-16", "aie2-4x4", "--gains", "--check"), "--gains: compiles at its own sparsities"),
        (("vgg-16", "aie2-4x4", "--force"), "--force: there is no file to write"),
        (("vgg-16", "aie2-4x4", "--sparsity", "2"), "--sparsity"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]
