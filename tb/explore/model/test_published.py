"""The model against published results: deterministic counts and cycles exactly, energies as printed."""

import numpy as np
import pytest

from tileloom_explore.model.evaluate import evaluate
from tileloom_explore.model.report import figures
from tileloom_explore.model.specification import parse_specification, read_specification
from tileloom_explore.paper import co_design, sparseloop
from tileloom_explore.paper.accelerators import DUAL_SIDE_ERROR, EYERISS, EYERISS_V2
from tileloom_explore.paper.examples import folder


def estimate_of(name):
    (estimate,) = sparseloop.estimates(name).values()
    return estimate


def counts(estimate, level, tensor):
    """Return actual, gated and skipped reads, actual updates, items of metadata read and skipped, by rank."""
    found = estimate.at(level, tensor)
    return (
        *(int(getattr(found.reads, kind)[0]) for kind in ("actual", "gated", "skipped")),
        int(found.updates.actual[0]),
        [int(rank.actual[0]) for rank in found.metadata_reads],
        [int(rank.skipped[0]) for rank in found.metadata_reads],
    )


def test_dot_products():
    expected = {
        "dense": {"A": (16, 0, 0, 0, [], []), "B": (16, 0, 0, 0, [], []), "Z": (15, 0, 0, 16, [], [])},
        "gating": {"A": (16, 0, 0, 0, [], []), "B": (4, 12, 0, 0, [], []), "Z": (3, 12, 0, 4, [], [])},
        "skipping": {"A": (4, 0, 0, 0, [4], [0]), "B": (4, 0, 12, 0, [], []), "Z": (3, 0, 12, 4, [], [])},
    }
    for design, tensors in expected.items():
        estimate = estimate_of(f"dot_product_{design}")
        assert {tensor: counts(estimate, "Buffer", tensor) for tensor in tensors} == tensors
    for row in sparseloop.small():
        cycles, computes, energy = row["published"]
        assert (row["cycles"], row["computes"]) == (cycles, computes)
        assert row["fj_per_compute"] == pytest.approx(energy, abs=0.0051)


def test_the_sparse_product():
    estimate = estimate_of("sparse_product")
    assert counts(estimate, "BackingStorage", "A") == (64, 0, 64, 0, [36, 64], [36, 64])
    assert counts(estimate, "BackingStorage", "B") == (32, 0, 0, 0, [9, 32], [0, 0])
    assert counts(estimate, "BackingStorage", "Z")[:4] == (0, 0, 0, 64)
    assert counts(estimate, "Buffer", "B") == (64, 0, 192, 0, [18, 64], [54, 192])
    assert counts(estimate, "Buffer", "Z")[:4] == (56, 0, 392, 64)
    buffer = estimate.at("Buffer", "B")
    assert (buffer.reads.dense[0], buffer.fills.dense[0], buffer.fills.actual[0]) == (512, 64, 32)
    assert [rank.actual[0] for rank in buffer.metadata_writes] == [9, 32]
    assert (buffer.words[0], *(rank[0] for rank in buffer.metadata)) == (32, 9, 32)
    backing = estimate.at("BackingStorage", "A")
    assert (backing.words[0], *(rank[0] for rank in backing.metadata)) == (16, 9, 16)
    assert estimate.at("Buffer", "Z").updates.skipped[0] == 448
    energies = {
        (level["name"], name): round(tensor["energy_pj"], 2)
        for level in figures(estimate)["levels"]
        for name, tensor in level["tensors"].items()
    }
    assert energies == {
        ("BackingStorage", "A"): 74.04,
        ("BackingStorage", "B"): 33.66,
        ("BackingStorage", "Z"): 43.11,
        ("Buffer", "B"): 166.15,
        ("Buffer", "Z"): 122.71,
    }
    assert 1000 * estimate.costs.energy[0] / 64 == pytest.approx(7190.35, abs=0.0051)


def test_the_sparse_product_in_tiles():
    """The exercises' next case: B comes in four tiles, and has a rank more outside."""
    design = read_specification(folder() / "sparse_product.toml")
    plain = {
        "workload": {
            "einsum": "Z[m,n] = A[m,k] * B[k,n]",
            "sizes": {"m": 8, "n": 8, "k": 8},
            "density": {
                "A": {"law": "fixed-structured", "density": 0.25},
                "B": {"law": "fixed-structured", "density": 0.5},
            },
        },
        "architecture": {
            "level": [
                {"name": "BackingStorage", "size": 2048, "metadata": {"width": 4, "size": 128}},
                {"name": "Buffer", "size": 64, "metadata": {"width": 4, "size": 64}},
            ]
        },
        "feature": [
            {"level": each.level, "action": each.action, "target": each.target, "by": list(each.by)}
            for each in design.architecture.features
        ],
        "format": {
            "BackingStorage": {"A": ["UOP", "CP"], "B": ["UOP", "UOP", "CP"]},
            "Buffer": {"B": ["UOP", "CP"]},
        },
        "mapping": [
            {"level": "BackingStorage", "loops": "n:4"},
            {"level": "Buffer", "loops": "k:8 n:2 m:8", "keep": ["B", "Z"]},
        ],
    }
    layer = parse_specification(plain, "tiled", folder()).layers[0]
    estimate = evaluate(layer.workload, layer.architecture, layer.mapping)
    assert counts(estimate, "BackingStorage", "A") == (64, 0, 64, 0, [36, 64], [36, 64])
    assert counts(estimate, "BackingStorage", "B") == (32, 0, 0, 0, [5, 36, 32], [0, 0, 0])
    assert counts(estimate, "Buffer", "B") == (64, 0, 192, 0, [72, 64], [216, 192])
    assert [rank.actual[0] for rank in estimate.at("Buffer", "B").metadata_writes] == [36, 32]
    assert estimate.costs.cycles[0] == 64


def test_a_convolution_on_four_elements():
    """The exercises' one-dimensional convolution: compressed weights stream past four buffers and skip."""
    plain = {
        "workload": {
            "einsum": "O[m,q] = W[m,s] * I[s+q]",
            "sizes": {"m": 16, "s": 3, "q": 9},
            "density": {"W": {"law": "fixed-structured", "density": 0.4333}},
        },
        "architecture": {
            "level": [
                {"name": "BackingStorage", "size": 2048, "block": 4, "metadata": {"width": 4, "size": 128}},
                {"name": "Buffer", "size": 128},
            ]
        },
        "feature": [
            {"level": "Buffer", "action": "skip", "target": "I", "by": ["W"]},
            {"level": "Buffer", "action": "skip", "target": "O", "by": ["W"]},
        ],
        "format": {"BackingStorage": {"W": ["UOP", "UOP", "RLE"]}},
        "mapping": [
            {"level": "BackingStorage", "loops": "m:4", "spatial": "m:4"},
            {"level": "Buffer", "loops": "q:9 s:3", "keep": ["I", "O"]},
        ],
    }
    layer = parse_specification(plain, "conv", folder()).layers[0]
    estimate = evaluate(layer.workload, layer.architecture, layer.mapping)
    assert counts(estimate, "BackingStorage", "W") == (188, 0, 0, 0, [45, 180, 188], [0, 0, 0])
    assert counts(estimate, "BackingStorage", "I")[:4] == (11, 0, 0, 0)
    assert counts(estimate, "BackingStorage", "O")[:4] == (0, 0, 0, 144)
    # Of one of four buffers.
    assert counts(estimate, "Buffer", "I")[:3] == (47, 0, 61)
    assert counts(estimate, "Buffer", "O")[:4] == (31, 0, 41, 47)
    assert estimate.at("Buffer", "I").fills.actual[0] == 11
    assert (estimate.costs.cycles[0], estimate.costs.computes[0][0]) == (47, 188)
    assert estimate.at("BackingStorage", "W").words[0] == 21


def test_eyeriss_v2():
    rows = sparseloop.eyeriss_v2()
    assert [row["layer"] for row in rows] == list(EYERISS_V2)
    for row in rows:
        cycles, _, energy = row["published"]
        assert row["cycles"] == pytest.approx(cycles, rel=5e-6)
        assert round(row["uj"], 2) == energy
    layer = sparseloop.estimates("eyeriss_v2")["7"]
    weights, outputs = layer.at("weight_spad", "W"), layer.at("psum_spad", "O")
    assert (weights.reads.actual[0], weights.reads.skipped[0]) == (1_592_242, 588_878)
    assert [rank.actual[0] for rank in weights.metadata_reads] == [430_578, 1_592_242]
    assert [rank.skipped[0] for rank in weights.metadata_reads] == [159_246, 588_878]
    assert (outputs.reads.actual[0], outputs.reads.skipped[0]) == (1_567_362, 2_561_406)
    energy = {name: value[0] for name, value in layer.costs.levels[3].energy.items()}
    assert energy == {"O": pytest.approx(1_238_918.99, abs=0.01)}
    assert layer.costs.levels[2].energy["W"][0] == pytest.approx(2_247_877.45, abs=0.01)


def test_eyeriss():
    rows = sparseloop.eyeriss()
    assert {row["layer"]: (round(row["compression"], 2), row["cycles"]) for row in rows} == EYERISS
    conv2 = sparseloop.estimates("eyeriss")["conv2"]
    dense = [int(conv2.at("DRAM", name).reads.dense[0]) for name in ("W", "I")]
    assert [*dense, int(conv2.at("DRAM", "O").updates.dense[0])] == [1_228_800, 1_769_472, 802_816]


def test_the_dual_side_tensor_core():
    rows = sparseloop.dual_side()
    assert len(rows) == 10 and rows[0]["latency"] == 1
    assert sparseloop.dual_side_error(rows) < DUAL_SIDE_ERROR
    assert np.all(np.diff([row["latency"] for row in rows[::2]]) < 0)


def test_dataflow_and_skipping_together():
    """The order of Sparseloop, Section 7.2: no design is best everywhere, and more skipping not always."""
    crossing = co_design.crossing()
    assert 0.01 < crossing < 0.03
    for row in co_design.study():
        sparse = row["density"] < crossing
        assert row["best"] == ("ReuseAZ.HierarchicalSkip" if sparse else "ReuseABZ.InnermostSkip")
        over = row["over_best"]
        innermost, hierarchical = (over[f"ReuseABZ.{kind}"] for kind in co_design.SKIPPING)
        assert hierarchical <= innermost
        if row["density"] > 0.003:  # where tiles of 128 x 16 are not empty there is nothing to skip in DRAM
            assert hierarchical == pytest.approx(innermost, rel=1e-3)
        assert over["ReuseAZ.HierarchicalSkip"] <= over["ReuseAZ.InnermostSkip"]
