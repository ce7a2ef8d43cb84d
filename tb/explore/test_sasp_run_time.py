"""``tileloom paper sasp``: run time of encoders by layer, pruned and not, and the figures drawn from it."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_explore.paper.sasp import encoder, published, run_time
from tileloom_explore.paper.sasp.arrays import SIZES, WEIGHTS
from tileloom_explore.paper.sasp.layer_masks import LayerMasks, Point, left_of, read_masks
from tileloom_explore.paper.sasp.quality import SHARES, Quality
from tileloom_explore.paper.sasp.quality import Point as Error
from tileloom_golden.estimate.coprocessor import array_cycles

SVG = "{http://www.w3.org/2000/svg}text"


def run(*arguments):
    return CliRunner().invoke(main, ["paper", "sasp", *arguments])


def plain(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def texts(picture):
    return {text.text for text in ElementTree.parse(picture).getroot().iter(SVG)}


@pytest.fixture
def quality(tmp_path):
    """Return a file of a network whose error grows with the share, faster for large tiles."""
    points = [
        Error(size, weights, share, "truncate", 0, {"wrong": 0.1 + share * size / 100})
        for weights in WEIGHTS
        for size in SIZES
        for share in SHARES
    ]
    path = tmp_path / "some.json"
    path.write_text(Quality("Some, network", "some.py", 40, "wrong", {"wrong": 0.1}, tuple(points)).text())
    return path


def test_run_time_of_the_encoder():
    rows = plain("table3", "--kept", "0.75")
    assert [(row["weights"], row["size"]) for row in rows] == [(w, s) for w in WEIGHTS for s in SIZES]
    for row in rows:
        dense, pruned = row["dense"], row["pruned"]
        others = dense["cycles"]["others"]
        assert dense["over_plain"] > dense["over_blocked"] > 1
        software = (row["cycles"]["blocked"] + others) / (dense["cycles"]["array"] + others)
        assert dense["over_blocked"] == pytest.approx(software, abs=1e-3)
        # Feed-forward layers are two thirds of the products with weights; a quarter of their tiles is gone.
        saved = dense["cycles"]["array"] - pruned["cycles"]["array"]
        assert saved == pytest.approx(0.25 * 2 / 3 * with_weights(row), rel=0.03)
        assert row["product_gain"] == pytest.approx(4 / 3, rel=0.01)
        assert row["gain"] == pytest.approx(pruned["over_plain"] / dense["over_plain"], abs=2e-3)
    assert rows[1]["paper"] == {"speedup": 19.79, "pruned_speedup": 25.01, "energy_j": 3.09}
    assert rows[0]["cycles"]["blocked"] / encoder.SASP.macs == pytest.approx(1.44, abs=0.03)
    assert encoder.SASP.macs == 18 * 128 * (4 * 512**2 + 2 * 512 * 2048 + 2 * 128 * 512)


def with_weights(row):
    """Return the cycles of the encoder's products with weights: what is left of all without the others."""
    cycles = row["dense"]["cycles"]["array"]
    return (
        cycles - 18 * 2 * 4 * 128**3 * 1.48 if row["weights"] == "int8" else cycles * 24 / 25
    )  # of the MACs


def test_as_many_tiles_are_kept_as_the_error_allows(quality):
    rows = plain("table3", "--quality", str(quality), "--budget", "0.05")
    # 0.005 more than 0.1: of share x size / 100.
    assert [row["pruned"]["kept"] for row in rows[:4]] == pytest.approx(
        [1 - 0.5 / s for s in SIZES], abs=1e-4
    )
    assert rows[0]["gain"] > rows[3]["gain"] > 1
    assert "kept" in run("table3", "--quality", str(quality)).stdout


def test_a_layer_is_the_models_cycles():
    config = encoder.host_array(8, "int8")
    block = encoder.block_work(encoder.SASP, config, {})
    dense = array_cycles(np.ones((64, 256), bool), 128, steps=8, columns=8, weight_words=16)
    assert block["feed-forward 1"].cycles == dense
    # Every word of an activation goes in once for each of 256 columns of tiles, and every weight once.
    assert (block["feed-forward 1"].steps, block["feed-forward 1"].loads) == (
        128 * 512 * 256,
        512 * 2048 // 4,
    )
    assert block["feed-forward 1"].accesses == 128 * 512 * 256 * 3 - 128 * 2048 + 512 * 2048 // 4
    assert block["scores"] == encoder.software_work(encoder.SASP.products[1], "int8")
    found = plain("layers")
    rows = {(row["weights"], row["layer"]): row for row in found["layers"]}
    both = block["feed-forward 1"] + block["feed-forward 2"]
    assert rows["int8", "feed-forward"]["array"]["8"] == both.cycles
    whole = sum(row["array"]["8"] for key, row in rows.items() if key[0] == "int8")
    assert 18 * whole == run_time.run_time("int8", 8).array.cycles


def test_a_generator_takes_a_cycle_a_word():
    row = plain("table3", "--kept", "0.75")[1]
    dense, pruned = row["by_generator"]
    words = 18 * 128 * 8 * sum(each.times * each.k // 8 * each.n // 8 for each in encoder.SASP.products)
    packed = (
        18
        * encoder.PACKING
        * sum(each.times * each.k * each.n for each in encoder.SASP.products if not each.weights)
    )
    assert words < dense["cycles"]["array"] - packed < 1.05 * words
    assert pruned["over_plain"] > dense["over_plain"] > 3.5 * row["dense"]["over_plain"]
    assert "by an address generator" in run("table3").stdout


def test_sums_that_are_held_save_two_cycles_a_word():
    """All but a column's last tile: its sums are stored. The targets of 8 x 8 INT8 are met so."""
    row = plain("table3", "--kept", "0.75")[5]
    assert (row["weights"], row["size"]) == ("int8", 8)
    dense, pruned = row["by_accumulators"]
    products = [each for each in encoder.SASP.products if each.weights]
    tiles = 18 * sum(each.times * each.k // 8 * each.n // 8 for each in products)
    columns = 18 * sum(each.times * each.n // 8 for each in products)
    saved = row["dense"]["cycles"]["array"] - dense["cycles"]["array"]
    assert saved == pytest.approx(128 * 8 * 2 * (tiles - columns), rel=0.02)
    assert dense["over_blocked"] > 3.8
    assert dense["over_plain"] > 11
    assert pruned["over_plain"] > dense["over_plain"]
    assert "sums held in the array" in run("table3").stdout


def test_sums_are_stored_once_if_they_are_held():
    config = encoder.host_array(8, "int8", encoder.Means.ACCUMULATORS)
    held = encoder.array_work(config, 128, np.ones((64, 256), bool))
    assert held.accesses == 128 * 512 * 256 + 128 * 2048 + 512 * 2048 // 4


def test_attention_on_the_array_takes_its_words_and_what_quantising_takes():
    config = encoder.host_array(8, "int8", encoder.Means.GENERATOR)
    before, after = (
        encoder.block_work(encoder.SASP, config, {}, attention=attention) for attention in (False, True)
    )
    assert {name for name in before if before[name] != after[name]} == {"scores", "context"}
    for each in encoder.SASP.products[1:3]:
        product = encoder.array_work(config, each.m, np.ones((each.k // 8, each.n // 8), bool))
        made = encoder.weights_work(config, each)
        assert after[each.name] == (product + made).times(4)
        # A quarter of a word is written, and with its tile loaded once.
        assert (made.accesses, product.loads) == (2.25 * 128 * 128, 128 * 128 // 4)
        assert 7 * 128 * 128 < made.cycles < 8 * 128 * 128
    rows = plain("table3", "--kept", "0.5")
    assert [len(row.get("attention", ())) for row in rows] == [0] * 4 + [2] * 4
    by_library, by_estimate = (rows[7][name][0]["by_generator"] for name in ("library", "attention"))
    assert by_library["over_blocked"] > 1.1 * by_estimate["over_blocked"]
    dense, pruned = rows[5]["attention"]
    assert dense["by_generator"]["over_plain"] > 30 > rows[5]["by_generator"][0]["over_plain"]
    assert pruned["by_instructions"]["over_plain"] > dense["by_instructions"]["over_plain"]
    assert "products of attention on the array" in run("table3").stdout


def test_parts_add_up_to_the_encoder():
    rows = plain("layers")["parts"]
    assert [(row["size"], row["means"]) for row in rows] == [(s, m) for m in encoder.Means for s in SIZES]
    for row in rows:
        way = {"means": encoder.Means(row["means"]), "attention": True}
        library = run_time.run_time("int8", row["size"], **way, library=True)
        assert sum(row["cycles"].values()) == library.whole.cycles
        estimated = run_time.run_time("int8", row["size"], **way)
        if row["means"] == "generator":  # keys and values are quantised beside the projections
            assert row["cycles"]["keys and values"] == pytest.approx(
                18 * 2 * (128 * 512 * 1.27 + 6 * (512 // row["size"]) ** 2), rel=0.01
            )
            assert library.array.cycles < estimated.array.cycles
        else:
            assert estimated.products == library.products
        # A plain loop is estimated at 40 cycles for a score, and the library takes 21 and calls.
        softmax = 18 * 4 * 128**2 * 21.7
        if row["means"] != "generator":
            assert row["cycles"]["softmax"] == pytest.approx(softmax, rel=0.03)
        assert library.alone.cycles == pytest.approx(0.63 * estimated.alone.cycles, rel=0.03)
        # By the generator residual sums are the array's, and ReLU costs a quarter.
        saved = 0
        if row["means"] == "generator":
            saved = 18 * 128 * (2 * 512 * 4.25 + 2048 * 2.2) + softmax - row["cycles"]["softmax"]
            # At most six of eight products of attention are hidden behind softmax, or it behind them.
            assert 0 < softmax - row["cycles"]["softmax"] < 0.8 * row["cycles"]["products of attention"]
        assert library.rest.cycles == pytest.approx(library.alone.cycles - saved, rel=0.02)
    assert "keys and values" in run("layers").stdout


def test_run_time_is_proportional_to_the_tiles_kept():
    for row in plain("layers")["kept"]:
        # A column's first tile takes 3 cycles a word and not 4, and is one of 16 at 32 x 32.
        within = 0.013 if row["size"] == 32 else 0.007
        assert all(abs(over - 1) < within for over in row["over_proportional"].values()), row


def test_speed_at_error_rates(quality, tmp_path):
    picture = tmp_path / "speed.svg"
    rows = plain("fig10", str(quality), "--error", "0.11", "--error", "0.09", "--svg", str(picture))
    kept = {(row["weights"], row["error"], row["size"]): row["kept"] for row in rows}
    assert kept["int8", 0.11, 16] == pytest.approx(1 - 1 / 16)
    assert kept["int8", 0.09, 16] is None
    by = {(row["weights"], row["error"], row["size"]): row["over_plain"] for row in rows}
    assert by["int8", 0.11, 16] == round(run_time.run_time("int8", 16, 1 - 1 / 16).over("plain"), 3)
    assert {"INT8 weights", "wrong 11 %", "paper, pruned", "32 x 32"} <= texts(picture)
    assert "-" in run("fig10", str(quality), "--error", "0.09", "--error", "0.2").stdout
    assert "no array has such errors" in run("fig10", str(quality), "--error", "0.09").stderr


@pytest.fixture
def masks(tmp_path):
    """Return a file of two blocks; half of one matrix' tiles are left, in half of its columns."""
    shape = encoder.Encoder(blocks=2, width=16, heads=2, hidden=32, sequence=8)
    names = ("feed-forward 1", "feed-forward 2")
    left = ({names[0]: (4, 2), names[1]: (8, 2)}, {names[0]: (8, 4), names[1]: (5, 2)})
    found = LayerMasks("Some, encoder", "some.py", shape, (Point(8, 0.2, left),))
    path = tmp_path / "layers.json"
    path.write_text(found.text())
    assert read_masks(path) == found
    return path


def test_time_of_layers(masks, tmp_path):
    found = read_masks(masks).masks(8, 0.2)
    assert [left_of(each) for block in found for each in block.values()] == [(4, 2), (8, 2), (8, 4), (5, 2)]
    assert found[1]["feed-forward 2"].shape == (4, 2)
    picture = tmp_path / "layers.svg"
    (network,) = plain("fig7", str(masks), "--prune", "0.2", "--svg", str(picture))
    first, second = network["blocks"]
    assert first["layers"]["0.0"] == second["layers"]["0.0"]
    assert first["layers"]["0.2"]["attention"] == first["layers"]["0.0"]["attention"]
    assert first["kept"]["0.2"] == {"feed-forward 1": 0.5, "feed-forward 2": 1.0}
    config = encoder.host_array(8, "int8")
    saved = first["layers"]["0.0"]["feed-forward"] - first["layers"]["0.2"]["feed-forward"]
    empty, half = np.ones((2, 4), bool), np.ones((2, 4), bool)
    half[:, :2] = False
    expected = encoder.array_work(config, 8, empty).cycles - encoder.array_work(config, 8, half).cycles
    assert saved == expected
    assert {"block 2", "attention", "feed-forward", "1.00", "Some, encoder, 8 x 8 INT8"} <= texts(picture)
    assert "all" in run("fig7", str(masks), "--prune", "0.2").stdout


def test_counts_that_no_matrix_has(masks):
    plain_file = json.loads(masks.read_text())
    wrong = json.loads(json.dumps(plain_file).replace("[4, 2]", "[4]"))
    masks.write_text(json.dumps(wrong))
    assert "not what examples/pruned_encoder.py writes" in run("fig7", str(masks)).stderr
    wrong = json.loads(json.dumps(plain_file).replace("[4, 2]", "[5, 2]"))
    masks.write_text(json.dumps(wrong))
    assert "layers.json: not what" in run("fig7", str(masks), "--prune", "0.2").stderr


def test_the_papers_energy_is_its_arrays_power():
    """Its J times its speed-up, by element, depend little on the size; INT8 saves what its figure 6 says."""
    for weights in WEIGHTS:
        powers = [published.power(weights, size) for size in SIZES]
        assert max(powers) / min(powers) < 1.36
    assert np.mean([published.power_saving(size) for size in SIZES]) == pytest.approx(0.195, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("table3", "--kept", "2"), "'--kept': 2: give a number above 0 to 1"),
        (("table3", "--kept", "0.5", "--quality", "some.json"), "--kept: not with --quality"),
        (("table3", "--budget", "0.5"), "--budget: is of --quality"),
        (("table3", "--seed", "1"), "--seed: is of --kept or --quality"),
        (("table3", "--arrays", "nowhere.json"), "nowhere.json: No such file"),
        (("layers", "--size", "8"), "--size: is of --simulate"),
        (("fig7", "nowhere.json"), "nowhere.json: No such file"),
        (("fig10", "nowhere.json"), "nowhere.json: No such file"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]


def test_shares_that_were_not_measured_are_named(masks):
    assert (
        "8 x 8, 0.3 pruned: not measured; there are [0.2]" in run("fig7", str(masks), "--prune", "0.3").stderr
    )


def test_work_adds_up():
    one = encoder.Work(1, 2, 3, 4)
    assert one + one.times(2) == replace(one, cycles=3, steps=6, loads=9, accesses=12)
