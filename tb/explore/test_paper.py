"""``tileloom paper``: the tables, their pictures, and what is refused before work starts."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_explore.paper.sasp import area, area_chart, fig8
from tileloom_explore.paper.sasp.arrays import SIZES, WEIGHTS
from tileloom_explore.paper.sasp.quality import SHARES, SUMS, Point, Quality, read_quality
from tileloom_synth.origins import ORIGINS


def run(*arguments):
    return CliRunner().invoke(main, ["paper", *arguments])


def test_the_papers_table_and_its_picture(monkeypatch, tmp_path):
    monkeypatch.setattr(area, "SIZES", (4,))
    picture = tmp_path / "area.svg"
    result = run("sasp", "--json", "--svg", str(picture))
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert row["size"] == 4 and 0.353 < row["saving"] < 0.7
    assert row["saving"] == pytest.approx(1 - row["int8"]["area"] / row["fp32"]["area"], abs=1e-3)
    assert row["paper_um2_per_mac"] == {"fp32": 3125, "int8": 1875}
    assert 0.3 < row["multipliers"]["int8"] < row["multipliers"]["fp32"] < 0.7
    root = ElementTree.parse(picture).getroot()
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for weight in ("fp32", "int8"):
        assert weight.upper() in texts
        assert f"{row[weight]['gate_equivalents'] / 16:,.0f}" in texts
    assert {"multiplier", "adder", "4 x 4"} <= set(texts) and "logic (flat)" not in texts
    shown = {origin for _, _, origins in area_chart.BANDS for origin in origins}
    # The paper's arrays have no registers, are no functional units, and fetch nothing.
    assert set(ORIGINS) - {"registers", "functional unit", "address generator"} <= shown
    refused = run("sasp", "--svg", str(tmp_path / "none" / "area.svg"))
    assert refused.exit_code == 2 and "make that folder first" in refused.stderr


def quality() -> Quality:
    """Return figures of a network whose errors grow by the share and fall by training."""
    points = [
        Point(size, weights, share, sums, epochs, {"wrong": 0.1 + share**2 * size / 32 / (1 + epochs)}, 1)
        for sums in SUMS
        for weights in WEIGHTS
        for size in (SIZES if sums == "truncate" else (8,))
        for share in SHARES
        for epochs in ((0, 5) if sums == "truncate" else (0,))
    ]
    points += [
        Point(8, "int8", share, "truncate", 0, {"wrong": (0.1 + share**2 / 4) / 2}, 2, attention=True)
        for share in SHARES
    ]
    return Quality("Some network, whatever", "python some.py", 40, "wrong", {"wrong": 0.09}, tuple(points))


def test_error_rates_over_tiles_pruned(tmp_path):
    (tmp_path / "some.json").write_text(quality().text())
    assert read_quality(tmp_path / "some.json") == quality()
    picture = tmp_path / "errors.svg"
    result = run("sasp", "fig8", str(tmp_path), "--json", "--svg", str(picture))
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    rows = {(row["size"], row["weights"], row["epochs"]): row for row in found["rows"]}
    assert len(rows) == 16 and rows[16, "int8", 0]["errors"]["0.4"] == pytest.approx(0.18)
    # 0.1 more than 0.1 is 0.01: a square of 0.1 at 32 x 32, and between 0.2 and 0.3 of 0.08 at 4 x 4.
    assert rows[32, "fp32", 0]["within_a_tenth"] == pytest.approx(0.1)
    assert rows[4, "fp32", 0]["within_a_tenth"] == pytest.approx(0.2 + 0.1 * (0.08 - 0.04) / (0.09 - 0.04))
    # After training 0.1 grows by a sixth of that: 0.01 between 0.6, the last one that was measured.
    assert rows[4, "fp32", 5]["within_a_tenth"] == pytest.approx(0.6)
    assert len(found["rounding"]) == 14 and found["rounding"][0]["changed"] == {
        "truncate": 1,
        "nearest-even": 1,
    }
    texts = [
        text.text for text in ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}text")
    ]
    assert {"Some network, FP32 weights", "4 x 4", "32 x 32, 5 epochs more", "wrong, %"} <= set(texts)
    # With attention on the array: measured at one size, half as often wrong.
    assert [row["share"] for row in found["attention"]] == list(SHARES)
    assert {row["size"] for row in found["attention"]} == {8} and found["attention"][0]["changed"] == 2
    errors = found["attention"][-1]["errors"]
    assert errors["array"] == pytest.approx(errors["software"] / 2)
    told = run("sasp", "fig8", str(tmp_path / "some.json"))
    assert "attention's products on the array" in told.stdout
    assert "16x16" in told.stdout and "18.00%" in told.stdout and "What rounding costs" in told.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "some.json: not what examples"),
        ('{"points": [{"size": 4}]}', "some.json: not what examples"),
        (quality().text().replace('"wrong":', '"else":', 3), "some.json: not what examples"),
    ],
)
def test_a_file_that_has_no_error_rates(tmp_path, content, message):
    (tmp_path / "some.json").write_text(content)
    result = run("sasp", "fig8", str(tmp_path))
    assert result.exit_code == 2 and message in result.stderr
    assert fig8.within_budget(quality(), 5, "fp32", 0.1) is None


def test_networks_on_a_grid_beside_the_paper():
    result = run("engine", "--grid", "8x8", "--sparsity", "0.5", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [(row["family"], row["network"]) for row in rows] == [
        (family, network)
        for family in ("aie2", "engine")
        for network in ("ResNet-50", "VGG-16", "Inception-v3")
    ]
    for row in rows:
        assert row["grid"] == [8, 8]
        assert row["ratio"] == pytest.approx(row["sparse_seconds"] / row["dense_seconds"])
    for row in rows[:3]:
        assert row["paper_ratio"] == pytest.approx(row["paper_seconds"][1] / row["paper_seconds"][0])
        # docs/compiler.md explains what is further off.
        assert row["ratio"] == pytest.approx(row["paper_ratio"], rel=0.24)
    assert all(row["paper_ratio"] is None for row in rows[3:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("engine", "--grid", "4"), "'--grid': '4' is not"),
        (("engine", "--grid", "1000x1000"), "'--grid': '1000x1000' is not two numbers from 1 to 64"),
        (("engine", "--grid", "2x2", "--sparsity", "nan"), "--sparsity"),
        (("sasp", "--clock", "0ns"), "must be from 10 ps"),
        (("sasp", "fig8", "nowhere.json"), "nowhere.json: No such file"),
        (("sasp", "fig5"), "no such command: fig5"),
        (("xdecimate", "--core", "ibex"), "'ibex' is not one of"),
        (("nothing",), "no such command: nothing"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]
