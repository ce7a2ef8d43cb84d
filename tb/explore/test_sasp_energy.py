"""``tileloom paper sasp``: energy of the arrays, from a file, and the Pareto front."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_explore.paper.sasp.arrays import SIZES, WEIGHTS
from tileloom_explore.paper.sasp.encoder import Work
from tileloom_explore.paper.sasp.energy import memory_energy, read_arrays, read_core
from tileloom_explore.paper.sasp.pareto import front
from tileloom_explore.paper.sasp.quality import SHARES, Point, Quality
from tileloom_explore.paper.sasp.run_time import run_time

COMPUTING, LOADING, IDLE = 5e-12, 4e-12, 1e-12


def run(*arguments):
    return CliRunner().invoke(main, ["paper", "sasp", *arguments])


def cycle(scale):
    return {
        mode: {"zero_delay": scale * joules, "unit_delay": 2 * scale * joules}
        for mode, joules in (("computing", COMPUTING), ("loading_weights", LOADING), ("idle", IDLE))
    }


@pytest.fixture
def arrays(tmp_path):
    """Return a file of arrays whose energy of a cycle goes with their elements."""
    path = tmp_path / "arrays.json"
    rows = [{"size": size, **{each: {"area": 2000.0 * size**2} for each in WEIGHTS}} for size in SIZES]
    powers = [
        {
            "size": size,
            "cycle_j": {each: cycle(size**2) for each in WEIGHTS},
            "leakage_w": dict.fromkeys(WEIGHTS, 1e-6 * size**2),
        }
        for size in SIZES
    ]
    plain = {"library": "cells", "double_buffer": True, "clock_ps": 2000, "rows": rows}
    path.write_text(json.dumps(plain | {"power": {"rows": powers}}))
    return path


@pytest.fixture
def quality(tmp_path):
    """Return a file of a network whose error grows with the share."""
    points = [
        Point(size, weights, share, "truncate", 0, {"wrong": 0.1 + share})
        for weights in WEIGHTS
        for size in SIZES
        for share in SHARES
    ]
    path = tmp_path / "some.json"
    path.write_text(Quality("Some", "some.py", 40, "wrong", {"wrong": 0.1}, tuple(points)).text())
    return path


def test_energy_is_that_of_the_cycles_of_each_kind(arrays):
    found = read_arrays(arrays).by["int8"][4]
    energy = found.energy(Work(cycles=1000, steps=300, loads=20))
    elements = 16
    dynamic = 300 * COMPUTING + 20 * LOADING + 680 * IDLE
    leaked = 1000 * 2e-9 * 1e-6
    assert energy["zero_delay"] == pytest.approx(elements * (dynamic + leaked))
    assert energy["unit_delay"] == pytest.approx(elements * (2 * dynamic + leaked))
    gated = found.gated(Work(cycles=1000, steps=300, loads=20))
    assert gated["zero_delay"] == pytest.approx(energy["zero_delay"] - elements * 680 * IDLE)
    # A word is 32 bits of 156 fJ: 5 pJ, for each access and each instruction.
    assert memory_energy(Work(cycles=1000, accesses=500)) == pytest.approx(1500 * 5e-12, rel=0.01)


def test_the_table_has_energy_without_and_with_pruning(arrays):
    result = run("table3", "--kept", "0.75", "--arrays", str(arrays), "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)[5]
    assert (row["size"], row["weights"], row["area_um2"]) == (8, "int8", 2000 * 64)
    whole = run_time("int8", 8).whole
    assert row["dense"]["seconds"] == pytest.approx(whole.cycles * 2e-9)
    assert row["dense"]["energy_j"]["zero_delay"] == pytest.approx(
        read_arrays(arrays).by["int8"][8].energy(whole)["zero_delay"]
    )
    assert row["pruned"]["energy_j"]["zero_delay"] < 0.9 * row["dense"]["energy_j"]["zero_delay"]
    told = run("table3", "--arrays", str(arrays)).stdout
    assert "0.128" in told and "Area and energy of the arrays in cells at 2 ns" in told


def test_the_system_has_the_core_and_memory(arrays, tmp_path):
    path = tmp_path / "core.json"
    cycles = {
        name: {"zero_delay": j, "unit_delay": 2 * j}
        for name, j in (("multiplying", 8e-12), ("moving", 3e-12))
    }
    path.write_text(json.dumps({"area": 1e5, "cycle_j": cycles, "leakage_w": 1e-3}))
    core = read_core(path)
    assert core.energy(10, 2e-9, alone=True)["zero_delay"] == pytest.approx(10 * (8e-12 + 2e-12))
    assert core.energy(10, 2e-9, alone=False)["unit_delay"] == pytest.approx(10 * (6e-12 + 2e-12))
    result = run("table3", "--arrays", str(arrays), "--core", str(path), "--json")
    assert result.exit_code == 0, result.output
    dense = json.loads(result.stdout)[7]["dense"]
    whole = run_time("int8", 32).whole
    assert dense["core_j"] == core.energy(whole.cycles, 2e-9, alone=False)
    # Of 1024 elements of 2,000 um2, beside 100,000.
    told = run("table3", "--arrays", str(arrays), "--core", str(path)).stdout
    assert "20.48" in told and "core alone, INT8" in told
    path.write_text("{}")
    assert "core.json: not what" in run("table3", "--arrays", str(arrays), "--core", str(path)).stderr
    assert "--core: is of --arrays" in run("table3", "--core", str(path)).stderr


def test_the_front_has_what_none_beats():
    points = [(1, 5), (2, 4), (2, 5), (3, 1), (3, 1), (4, 1)]
    assert front(points).tolist() == [True, True, False, True, True, False]
    random = np.random.default_rng(1).integers(0, 6, (40, 3))
    for point, on in zip(random, front(random), strict=True):
        beaten = [all(other <= point) and any(other < point) for other in random]
        assert on != any(beaten)


def test_designs_and_their_front(arrays, quality, tmp_path):
    picture = tmp_path / "front.svg"
    result = run("fig9", str(quality), "--arrays", str(arrays), "--svg", str(picture), "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert len(rows) == 2 * 4 * 7
    # Area and energy of a cycle are the same here: of both kinds the one that takes longer is beaten.
    by = {(row["weights"], row["size"], row["pruned"]): row for row in rows}
    slow, fast = by["int8", 16, 0.2], by["fp32", 16, 0.2]
    assert slow["over_plain"] < fast["over_plain"] and fast["front"] and not slow["front"]
    product = fast["energy_j"]["zero_delay"] * 2000 * 256 * 1e-6
    assert fast["area_energy_mm2_j"]["zero_delay"] == pytest.approx(product)
    texts = {
        each.text for each in ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}text")
    }
    assert {"wrong, %", "16 x 16 INT8", "front of the panel"} <= texts
    count = sum(row["front"] for row in rows)
    assert f"{count} of 56 designs" in run("fig9", str(quality), "--arrays", str(arrays)).stdout
    assert (
        "has no errors with 3 epochs"
        in run("fig9", str(quality), "--arrays", str(arrays), "--epochs", "3").stderr
    )


def test_a_file_of_areas_alone(arrays):
    plain = json.loads(arrays.read_text())
    del plain["power"]
    arrays.write_text(json.dumps(plain))
    message = run("table3", "--arrays", str(arrays)).stderr
    assert "arrays.json: not what `tileloom paper sasp fig6" in message
