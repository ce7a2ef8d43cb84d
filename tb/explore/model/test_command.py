"""``tileloom estimate`` and ``tileloom paper sparseloop``: what they print, what they refuse in a line."""

import copy
import json
import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_explore.model.specification import parse_specification
from tileloom_explore.paper.examples import folder

EXAMPLES = sorted(folder().glob("*.toml"))
PRODUCT = tomllib.loads((folder() / "sparse_product.toml").read_text("utf-8"))
PATH = "spec.toml"


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_estimated(path):
    result = run("estimate", str(path), "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert rows
    for row in rows:
        best = row if isinstance(row, dict) else row[0]
        assert 0 < best["computes"] <= best["algorithmic_computes"]
        assert best["cycles"] >= best["compute_cycles"] > 0 and 0 < best["utilisation"] <= 1.2
        parts = sum(level["energy_pj"] for level in best["levels"]) + best["compute_energy_pj"]
        assert parts == pytest.approx(best["energy_pj"])


def test_one_layer_is_shown_level_by_level():
    path = str(folder() / "eyeriss_v2.toml")
    every, one = run("estimate", path), run("estimate", path, "--layer", "7")
    assert every.exit_code == one.exit_code == 0
    assert "1,592,242" in every.stdout and "1,479,115" in every.stdout
    assert "2,097,152" not in one.stdout and "588,878" in one.stdout and "weight_spad" in one.stdout


def test_the_papers_tables():
    result = run("paper", "sparseloop", "--json")
    assert result.exit_code == 0, result.output
    tables = json.loads(result.stdout)
    assert [len(tables[name]) for name in ("small", "eyeriss_v2", "eyeriss", "dual_side")] == [4, 8, 5, 10]
    rows = {row["design"]: row for row in tables["taxonomy"]}
    assert rows["Eyeriss"]["gating"] == "W by I" and rows["Eyeriss"]["skipping"] == "-"
    assert rows["Eyeriss v2 PE"]["skipping"] == "W by I, O by I and W, compute"
    assert run("paper", "sparseloop").exit_code == 0


def changed(path, value):
    """Return the sparse product with one field changed; None takes it out."""
    plain = copy.deepcopy(PRODUCT)
    here = plain
    for key in path[:-1]:
        here = here[key]
    if value is None:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return plain


WRONG = [
    (("workload", "einsum"), "Z[m,n] = A[m,k] * B[k,n", "workload.einsum: 'B[k,n' is no tensor"),
    (("workload", "einsum"), "Z[m,n]", "workload.einsum: 'Z[m,n]' has no \"=\""),
    (("workload", "einsum"), "Z[m,n] = A[m,k-1] * B[k,n]", "index 'k-1' is no sum"),
    (("workload", "einsum"), "Z[m,n] = A[m,m] * B[k,n]", "A: m stands in two places"),
    (("workload", "einsum"), "Z[m,n] = A[m,k] * A[k,n]", "A stands there with two indices"),
    (("workload", "sizes", "k"), None, "workload.sizes.k: missing"),
    (("workload", "sizes", "k"), 0, "workload.sizes.k: must be a whole number from 1"),
    (
        ("workload", "sizes"),
        {"m": 2**20, "n": 2**20, "k": 2**20},
        "workload.sizes: 1,152,921,504,606,846,976",
    ),
    (("layer",), [{"name": "a"}, {"name": "a"}], "layer: two layers are called a"),
    (("layer",), [{"name": "a", "loops": {"Buff": "k"}}], "layer.0.loops: no level Buff"),
    (("layer",), [{"name": "a", "dense": ["Q"]}], "layer.0.dense: no tensor Q"),
    (("workload", "sizes", "kk"), 3, "workload.sizes.kk: no dimension of the Einsum; did you mean k?"),
    (("workload", "density", "A"), 1.5, "workload.density.A: the density must be from 0 to 1, not 1.5"),
    (
        ("workload", "density", "A"),
        float("nan"),
        "workload.density.A: the density must be from 0 to 1, not nan",
    ),
    (("workload", "density", "A"), {"law": "normal"}, "workload.density.A.law: must be uniform or"),
    (("workload", "density", "C"), 0.5, "workload.density: no tensor C"),
    (("workload", "density", "A"), {"law": "actual", "file": "none.npy"}, "none.npy: No such file"),
    (("workload", "colour"), "red", "workload.colour: no such field"),
    (("architecture", "level", 0, "block"), 0, "architecture.level.0.block: must be 1 or more, not 0"),
    (("architecture", "level", 0, "read"), -1.0, "architecture.level.0.read: must be 0 or more, not -1.0"),
    (("architecture", "level", 0, "read"), "much", "architecture.level.0.read: must be a number"),
    (
        ("architecture", "level", 0, "reed"),
        1.0,
        "architecture.level.0.reed: no such field; did you mean read?",
    ),
    (("architecture", "level", 0, "name"), "Buffer", "two levels are called Buffer"),
    (("architecture", "level", 0, "read_bandwidth"), 0, "read_bandwidth: must be above 0"),
    (("architecture", "level"), [], "architecture.level: is empty"),
    (
        ("architecture", "compute"),
        {"zeros": "ignore"},
        "architecture.compute.zeros: must be compute, gate or skip",
    ),
    (("architecture", "options"), {"confidence": 0}, "architecture.options.confidence: must be above 0"),
    (("feature", 0, "target"), "Q", "feature.0.target: no tensor Q"),
    (("feature", 0, "level"), "Bufer", "feature.0.level: no level Bufer; did you mean Buffer?"),
    (("feature", 0, "action"), "drop", "feature.0.action: must be gate or skip or pack, not 'drop'"),
    (("feature", 0, "by"), [], "feature.0.by: gate and skip need a leader"),
    (("feature", 0, "by"), ["A"], "feature.0.by: A cannot lead itself"),
    (("format", "Buffer", "B"), ["UOP", "CQ"], "format.Buffer.B: 'CQ' is no rank such as"),
    (("format", "Buffer", "B"), ["CP(z)"], "format.Buffer.B: no dimension z"),
    (("format", "Bluffer"), {}, "format.Bluffer: no level Bluffer; did you mean Buffer?"),
    (("mapping", 1, "loops"), "k:8 n:8 m:4", "mapping: m: its loops make 4, the workload has 8"),
    (("mapping", 1, "loops"), "k:8 n:8 m:3 m", "mapping: m: 3 does not divide the 8 there are"),
    (("mapping", 1, "loops"), "k n m m", "mapping: m has two loops without a bound"),
    (("mapping", 1, "loops"), "k n x", "mapping.1.loops: no dimension x"),
    (("mapping", 1, "loops"), "k:0 n m", "mapping.1.loops: 'k:0' is no loop"),
    (("mapping", 1, "keep"), ["Y"], "mapping.Buffer.keep: no tensor Y"),
    (("mapping", 0, "keep"), ["A", "B"], "mapping.BackingStorage.keep: Z is missing"),
    (("mapping", 1, "level"), "RAM", "mapping.1.level: no level RAM"),
    (("mapping",), None, "mapping: give [[mapping]] for each level, or [[search]] for each, and not both"),
    (("search",), [{"level": "Buffer"}], "mapping: give [[mapping]] for each level"),
    (
        ("architecture", "level", 1, "size"),
        90,
        "mapping.Buffer: the tiles take 96 words (B 32, Z 64), 6 over its 90",
    ),
    (("architecture", "level", 1, "metadata", "size"), 40, "the metadata takes 164 bits, 4 over its 160"),
    (("architecture", "level", 1, "fanout"), 1, None),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=lambda value: None)
def test_what_is_wrong_is_told_with_its_path(path, value, message, tmp_path, monkeypatch):
    for module in ("command", "specification"):
        monkeypatch.setattr(f"tileloom_explore.model.{module}.read_toml", lambda name: changed(path, value))
    result = run("estimate", PATH)
    if message is None:
        assert result.exit_code == 0, result.output
        return
    assert result.exit_code == 2, result.output
    last = result.stderr.strip().splitlines()[-1]
    assert message in last and last.startswith(f"Error: {PATH}: ")


def test_the_fanout_is_told():
    plain = changed(("architecture", "level", 1, "fanout"), 4)
    plain["mapping"][1] |= {"loops": "k n", "spatial": "m:8"}
    layer = parse_specification(plain, PATH, folder()).layers[0]
    with pytest.raises(
        ValueError, match=r"mapping.Buffer.spatial: 8 instances below, 4 more than its fanout"
    ):
        from tileloom_explore.model.evaluate import evaluate

        evaluate(layer.workload, layer.architecture, layer.mapping)


def test_data_comes_from_a_file_beside_the_specification(tmp_path):
    a = np.zeros((8, 8), np.int8)
    a[:, :3] = 7
    np.save(tmp_path / "A.npy", a)
    plain = changed(("workload", "density", "A"), {"law": "actual", "file": "A.npy"})
    layer = parse_specification(plain, PATH, tmp_path).layers[0]
    assert layer.workload.density["A"].share == 3 / 8
    np.save(tmp_path / "A.npy", a[:4])
    with pytest.raises(ValueError, match=r"workload.density.A.file: .*A.npy: has the shape \(4, 8\)"):
        parse_specification(plain, PATH, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.toml",), "nothing.toml: No such file"),
        (("stream-8x8-int9",), "neither a preset nor a .toml file"),
        (("stream-8x8-int8",), "--layer: missing; give VECTORSxKxN"),
        (("stream-8x8-int8", "--layer", "8x8"), "--layer: '8x8' is not VECTORSxKxN"),
        (("stream-8x8-int8", "--layer", "8x8x0"), "--layer: '8x8x0': sizes must be from 1"),
        (("stream-8x8-int8", "--layer", "8x8x8", "--count", "9"), "--count: is for a specification"),
        ((str(EXAMPLES[0]), "--set", "rows=3"), "--set: is for a configuration"),
        ((str(EXAMPLES[0]), "--layer", "conv9"), "--layer: "),
        ((str(EXAMPLES[0]), "--seed", "3"), "--seed: "),
        ((str(EXAMPLES[0]), "--objective", "edp"), "there is nothing to search"),
    ],
)
def test_options_that_mean_nothing_are_refused(arguments, message):
    result = run("estimate", *arguments)
    assert result.exit_code == 2 and message in result.stderr.strip().splitlines()[-1]
