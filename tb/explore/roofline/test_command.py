"""``tileloom roofline``, ``tileloom paper roofline``: tables, JSON, pictures, one line for each mistake."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_explore.roofline import designs, page
from tileloom_explore.roofline.verhelst import TABLE_1

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
SVG = "{http://www.w3.org/2000/svg}"
LAYERS = "--gemm 64,64,64 --convolution 9,8,20,30,3"
TWO = f"roofline engine-int8 stream-8x8-int8 {LAYERS} --sparsity 0.5 --seed 5"


def call(words, **settings):
    return CliRunner().invoke(main, words.split(), **settings)


def figures(words):
    result = call(f"{words} --json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_tables_and_json_say_the_same(tmp_path):
    found = figures(TWO)
    assert [machine["name"] for machine in found["machines"]] == ["engine_int8", "stream_8x8_int8"]
    assert found["seed"] == 5 and found == figures(TWO)
    keys = [(point["design"], point["layer"], point["sparsity"]) for point in found["points"]]
    assert len(keys) == len(set(keys)) == 8 and len(found["moves"]) == 6
    result = call(TWO)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    for point in found["points"]:
        assert f"{point['cycles']:,}" in text
        assert f"{point['dense_operations_per_second'] / 1e9:,.1f}" in text
    for move in found["moves"]:
        assert f"{move['gain']:.2f}" in text
    assert "seed: 5" in result.stderr and "Horowitz" in result.stderr and "1000 MHz" in result.stderr


def test_options_change_what_they_say():
    plain, other = (
        figures(f"roofline engine-int8 --gemm 64,64,64 {more}")
        for more in ("", "--clock 500 --operation-energy 2 --byte-energy weights=9 --dram 0.5 --set m=8")
    )
    first, last = plain["points"][0], other["points"][0]
    assert last["dense_operations"] == first["dense_operations"] == 2 * 64**3
    machine = other["machines"][0]
    assert machine["operations_per_second"] == 2 * 8 * 8 * 8 * 500e6 and machine["outermost"] == ["dram"]
    assert last["pj_per_operation"]["compute"] == 2
    assert last["pj_per_operation"]["weights"] == pytest.approx(9 / last["operations_per_byte"]["weights"])
    assert last["bytes"]["dram"] == 3 * 64 * 64 and last["cycles"] == 2 * 3 * 64 * 64
    assert last["bound"] == "dram" and "seed" not in plain
    grid = figures("roofline engine-int8 --gemm 640,64,64 --grid 5x2")["machines"][0]
    assert grid["name"] == "engine_int8 5x2" and grid["operations_per_cycle"] == 5120


def test_networks_by_name():
    found = figures("roofline engine-int8 --shapes ResNet-50")
    assert len(found["points"]) == 53
    assert sum(point["dense_operations"] for point in found["points"]) == 2 * 4087136256


def test_the_picture_has_every_point(tmp_path):
    picture, other = tmp_path / "roof.svg", tmp_path / "none.svg"
    assert call(f"{TWO} --svg {picture}").exit_code == 0
    root = ElementTree.parse(picture).getroot()
    text = " ".join(each.text or "" for each in root.iter(f"{SVG}text"))
    for said in (
        "engine_int8",
        "accumulators: 256 B/cycle",
        "dense-equivalent",
        "GOPS",
        "TOPS/W",
        "combined",
    ):
        assert said in text
    # Each of eight points in four panels, of four sparse ones the dense-equivalent too.
    marks = [each for each in root.iter(f"{SVG}g") if (each.get("id") or "").startswith("PathCollection")]
    assert len(marks) == 4 * (8 + 4)
    assert call(f"roofline sasp-4x4-fp32 --svg {other}").exit_code == 0
    assert "combined" not in other.read_text()
    before = picture.read_bytes()
    assert call(f"{TWO} --svg {picture} --force").exit_code == 0 and picture.read_bytes() == before


def test_the_page_has_all_in_it_and_loads_nothing(tmp_path):
    file = tmp_path / "roof.html"
    found = figures(f"{TWO} --html {file}")
    text = file.read_text(encoding="utf-8")
    assert json.loads(re.search(r"const DATA = (.*);\n", text)[1]) == found
    assert not re.search(r"https?://|\bsrc=|<link|@import|\bimport\(|fetch\(|url\((?!#)", text)


def test_a_name_cannot_end_the_script():
    text = page.page({"machines": [], "points": [], "moves": [], "name": "</script><b>"})
    assert text.count("</script>") == 1 and "\\u003c/script>" in text
    with pytest.raises(ValueError, match="not JSON compliant"):
        page.page({"x": float("inf")})


@pytest.mark.skipif(
    shutil.which("chromium") is None, reason="chromium is not installed: sudo apt install chromium"
)
def test_the_page_draws_in_a_browser(tmp_path):
    file = tmp_path / "roof.html"
    found = figures(f"{TWO} --html {file}")
    drawn = {}
    for name, script in {
        "throughput": "",
        "energy": "form.what.value='energy';form.links.checked=true;view=null;draw();",
        "one level": "form.over.value='activations';form.dense.checked=true;view=null;"
        "document.querySelector('#machines input').click();",
    }.items():
        each = tmp_path / f"{name}.html"
        each.write_text(file.read_text("utf-8").replace("\ndraw();\n<", f"\ndraw();{script}\n<"), "utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", each.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        drawn[name] = done.stdout
    marks = {name: len(re.findall('class="point" d="M[0-9]', text)) for name, text in drawn.items()}
    assert marks == {"throughput": 8, "energy": 8, "one level": 4}
    moves = re.findall('class="move" [^>]*d="M[0-9]', drawn["energy"])
    assert len(moves) == len(found["moves"]) and "TOPS/W</text>" in drawn["energy"]
    assert drawn["throughput"].count('class="roof all"') == 2 and "NaN" not in "".join(drawn.values())
    assert drawn["one level"].count('class="roof alone"') == 1
    assert "operations per byte of activations" in drawn["one level"]


def test_measured_points_stand_beside(monkeypatch):
    seen = []

    def simulate(config, **operands):
        seen.append(operands)
        return type("Result", (), {"figures": {"cycles": 100_000}})

    monkeypatch.setattr(designs.tileloom, "simulate", simulate)
    found = figures(f"{TWO} --measure")
    sources = [point["source"] for point in found["points"]]
    assert sources == ["estimated", "measured"] * 4 + ["exact", "measured"] * 4 and len(seen) == 8
    closed, ran = found["points"][:2]
    assert ran["cycles"] == 100_000 != closed["cycles"] and ran["bytes"] == closed["bytes"]
    assert {operands["layout"] for operands in seen} == {"NK", "OHWI", "KN"}
    assert len(found["moves"]) == 6


def test_the_papers_tables(tmp_path):
    file, picture = tmp_path / "figure.html", tmp_path / "figure.svg"
    found = figures(f"paper roofline --html {file} --svg {picture}")
    assert [level["knee"] for level in found["figure_3"]["levels"]] == [16, 64, 256]
    assert found["figure_3"]["mix"]["knee"] == 4096
    assert [each["ours"] for each in found["utilisation"]] == [each["paper"] for each in found["utilisation"]]
    assert [row["network"] for row in found["table_1"]] == [row.network for row in TABLE_1]
    assert "Fig. 3" in picture.read_text() and "Fig. 3" in file.read_text()
    result = call("paper roofline")
    assert result.exit_code == 0 and "347.2" in result.stdout and "0.31" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("engine-int9", "engine-int9: neither a preset nor a .toml file; did you mean engine-int8?"),
        ("engine-int8 engine-int8", "engine-int8: the same design as engine-int8"),
        ("xfu-unit", "xfu_unit: no roofline; the unit alone has no core"),
        ("engine-int8 --set rows=3", "engine-int8: rows: no such field"),
        ("engine-int8 --gemm 1,2", "'1,2' is not M,K,N in whole numbers"),
        ("engine-int8 --gemm 1,2,0", "1,2,0: N must be from 1 to 65536"),
        ("engine-int8 --gemm 1,2,99999999999999", "N must be from 1 to 65536"),
        ("engine-int8 --gemm 1,2,3 --gemm 1,2,3", "gemm 1x2x3: given twice"),
        ("engine-int8 --convolution 8,8,3,4,9,1,0", "8,8,3,4,9,1,0: "),
        (
            "engine-int8 --convolution 8,8,3,4,3,1,3",
            "8,8,3,4,3,1,3: pad top is 3, not smaller than the kernel's 3",
        ),
        ("engine-int8 --sparsity 0.5", "--sparsity: needs a layer: --gemm, --convolution, --shapes"),
        ("engine-int8 --measure", "--measure: needs a layer"),
        ("engine-int8 --gemm 1,2,3 --sparsity 0", "--sparsity': 0: give a number above 0 to 1"),
        ("engine-int8 --gemm 1,2,3 --seed 1", "--seed: nothing here is random"),
        ("engine-int8 --gemm 1,2,3 --measure --dram 1", "--dram: is for closed forms"),
        ("engine-int8 --gemm 1,2,3 --measure --grid 2x2", "--grid: is for closed forms"),
        ("stream-8x8-int8 --grid 2x2", "--grid: is for engines"),
        ("engine-int8 --grid 4", "'--grid': '4' is not two numbers from 1 to 64, such as 4x4"),
        ("engine-int8 --byte-energy weights", "--byte-energy weights: give LEVEL=PJ"),
        ("engine-int8 --byte-energy weights=nan", "--byte-energy weights=nan: give LEVEL=PJ"),
        ("engine-int8 --byte-energy weight=1", "--byte-energy weight: no such level; did you mean weights?"),
        ("engine-int8 --byte-energy dram=1", "--byte-energy dram: no such level"),
        ("engine-int8 --dram 0", "--dram"),
        ("engine-int8 --clock 500 --clock 600", "--clock: given twice"),
        ("engine-int8 --force", "--force: there is no file to write"),
        (f"{PROJECT} --svg {PROJECT} --force", "pyproject.toml is an input of the same run"),
        ("engine-int8 --svg none/roof.svg", "none/roof.svg: none is not there; make that folder first"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(words, message):
    result = call(f"roofline {words}")
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]


def test_a_seed_of_the_environment_is_no_mistake():
    assert "seed" not in json.loads(
        call("roofline engine-int8 --gemm 8,8,8 --json", env={"TILELOOM_SEED": "3"}).stdout
    )
