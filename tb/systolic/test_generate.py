"""Generation: the file that comes out, its manifest, and the command."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileloom.api import generate
from tileloom.cli.main import main
from tileloom.families import families, load


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if "32x32" in name else [])
        for name in families()["systolic"].presets
        if not name.startswith("sasp-cv32e40p")  # modules among a core's have a name of their own
    ],
)
def test_presets_generate(name: str) -> None:
    design = generate(name)
    modules = re.findall(r"^module (\S+)\(", design.verilog, re.MULTILINE)
    assert design.name in modules
    assert sorted(modules) == sorted(design.manifest["modules"])
    # Every module carries the top's name, so that two arrays can live in one chip.
    assert all(module.startswith(design.name) for module in modules)


@pytest.mark.parametrize("preset", ["sasp-4x4-int8", "stream-8x8-fp32"])
def test_module_count_does_not_grow(preset: str) -> None:
    counts = {
        size: len(generate(load(preset, rows=size, columns=size)).manifest["modules"]) for size in (2, 3, 9)
    }
    # At some sizes two delay lines are of the same length, and one module.
    assert max(counts.values()) == counts[2], counts


def test_ports() -> None:
    design = generate(load("stream-8x8-int8", rows=3, columns=2))
    ports = {port["name"]: port for port in design.manifest["ports"]}
    assert list(ports) == ["weights", "activations", "psum_in", "results"]
    assert [(p["elements"], p["element_width"]) for p in ports.values()] == [
        (2, 8),
        (3, 32),
        (2, 32),
        (2, 32),
    ]
    assert "input [95:0] activations_data;" in design.verilog
    assert "output results_last;" in design.verilog
    assert design.manifest["clock"] == "clk"


def test_axi4_stream_names() -> None:
    fields = {"rows": 1, "columns": 1, "weight": "int5", "axi4_stream_names": True}
    design = generate(load("stream-8x8-int8", **fields))
    assert "input [7:0] s_axis_weights_tdata;" in design.verilog  # 5 bits, in whole bytes
    assert "output m_axis_results_tlast;" in design.verilog
    assert design.manifest["clock"] == "aclk"
    assert design.manifest["reset"] == {"name": "aresetn", "active_low": True}


def test_command(tmp_path: Path) -> None:
    arguments = ["generate", "sasp-4x4-int8", "-o", str(tmp_path / "out"), "--name", "array", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)
    assert manifest == json.loads((tmp_path / "out" / "array.json").read_text(encoding="utf-8"))
    assert "module array(" in (tmp_path / "out" / "array.v").read_text(encoding="utf-8")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["array.json", "array.v"]
    # The same again changes nothing and is no mistake.
    assert CliRunner().invoke(main, arguments).exit_code == 0


def test_command_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "array.v").write_text("mine", encoding="utf-8")
    arguments = ["generate", "sasp-4x4-int8", "-o", str(tmp_path), "--name", "array"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "array.v: there already, with other content" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["array.v"]
    assert (tmp_path / "array.v").read_text(encoding="utf-8") == "mine"
    assert CliRunner().invoke(main, [*arguments, "--force"]).exit_code == 0


def test_command_mistakes(tmp_path: Path) -> None:
    for arguments, message in [
        (["sasp-9x9-int8"], "Error: sasp-9x9-int8: neither a preset nor a .toml file"),
        (["sasp-4x4-int8", "--set", "rows=99"], "Error: sasp-4x4-int8: rows: must be from 1 to 64, not 99"),
        (["sasp-4x4-int8", "--name", "4x4"], "Error: --name: '4x4' is not a Verilog identifier"),
    ]:
        result = CliRunner().invoke(main, ["generate", *arguments, "-o", str(tmp_path)])
        assert result.exit_code == 2
        assert message in result.stderr
        assert not list(tmp_path.iterdir())
