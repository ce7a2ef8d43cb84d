"""The search: the same on any number of cores, within its constraints, and right on a space that is known."""

import itertools

import numpy as np
import pytest

from tileloom.errors import UserError
from tileloom_explore.model.bounds import least_cycles, least_energy
from tileloom_explore.model.evaluate import evaluate, evaluate_nest
from tileloom_explore.model.mapping import Loops, Mapping
from tileloom_explore.model.mapspace import Mapspace
from tileloom_explore.model.search import OBJECTIVES, search
from tileloom_explore.model.specification import parse_specification


def specification(tmp_path, **changes):
    """Return a small convolution on two levels, with what changes."""
    plain = {
        "workload": {
            "einsum": "O[m,p,q] = W[m,c,r] * I[c,p+r,q]",
            "sizes": {"m": 8, "c": 6, "p": 12, "q": 4, "r": 3},
            "density": {"W": 0.4, "I": 0.5},
        },
        "architecture": {
            "level": [
                {"name": "DRAM", "read": 200.0, "write": 200.0, "block": 4, "read_bandwidth": 4.0},
                {"name": "Buffer", "size": 96, "read": 2.0, "write": 2.0, "fanout": 8},
            ],
            "compute": {"energy": 1.0},
        },
        "search": [{"level": "DRAM", "spatial": ""}, {"level": "Buffer"}],
    }
    return parse_specification({**plain, **changes}, "small", tmp_path)


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_any_number_of_cores_finds_the_same(tmp_path, objective, monkeypatch):
    monkeypatch.setattr("tileloom_explore.model.search.CHUNK", 2500)
    found = specification(tmp_path)
    layer = found.layers[0]
    runs = [
        search(layer, found.constraints, objective=objective, count=6000, seed=5, jobs=jobs)
        for jobs in (1, 2, 3)
    ]
    assert len(runs[0].best) == 10 and runs[0].evaluated >= 200
    for run in runs[1:]:
        assert [(str(each.mapping), each.value) for each in run.best] == [
            (str(each.mapping), each.value) for each in runs[0].best
        ]
    values = [each.value for each in runs[0].best]
    assert values == sorted(values) and len({str(each.mapping) for each in runs[0].best}) == 10
    for each in runs[0].best:
        costs = each.estimate.costs
        assert OBJECTIVES[objective](costs.cycles, costs.energy)[0] == pytest.approx(each.value)
    other = search(layer, found.constraints, objective=objective, count=6000, seed=6, jobs=1)
    assert [str(each.mapping) for each in other.best] != [str(each.mapping) for each in runs[0].best]


def test_many_mappings_at_once_are_as_one_by_one(tmp_path):
    found = specification(tmp_path)
    layer = found.layers[0]
    space = Mapspace.of(layer.workload, layer.architecture, found.constraints)
    nest = space.feasible(space.sample(np.random.default_rng(3), 400))
    together = evaluate_nest(layer.workload, layer.architecture, nest)
    rows = nest.bound.shape[0]
    assert rows > 30 and together.fits.all()
    for row in range(rows):
        alone = evaluate(layer.workload, layer.architecture, space.mapping(nest, row))
        assert alone.costs.cycles[0] == together.costs.cycles[row]
        assert alone.costs.energy[0] == pytest.approx(together.costs.energy[row], rel=1e-12)


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_what_bounds_rule_out_is_not_among_the_best(tmp_path, objective, monkeypatch):
    monkeypatch.setattr("tileloom_explore.model.search.BLOCK", 100)
    features = [{"level": "Buffer", "action": "skip", "target": "W", "by": ["I"]}]
    found = specification(tmp_path, feature=features)
    layer = found.layers[0]
    run = search(layer, found.constraints, objective=objective, count=1000, seed=4, jobs=1)
    space = Mapspace.of(layer.workload, layer.architecture, found.constraints)
    nest = space.feasible(space.sample(np.random.default_rng([4, 0]), 1000))
    every = evaluate_nest(layer.workload, layer.architecture, nest)
    values = np.sort(OBJECTIVES[objective](every.costs.cycles, every.costs.energy))
    assert run.fitting == len(values)
    assert [each.value for each in run.best] == pytest.approx(list(values[:10]), rel=1e-12)
    assert run.evaluated < run.fitting, "no bound ruled anything out"
    least = least_cycles(layer.workload, layer.architecture, nest)
    assert (least <= every.costs.cycles).all() and (least > 1).any()
    least = least_energy(layer.workload, layer.architecture, nest)
    assert (least > every.costs.energy / 100).all() and (least <= every.costs.energy).all()


GATE = {"level": "Buffer", "action": "gate", "target": "W", "by": ["I"]}
SKIP = {"level": "DRAM", "action": "skip", "target": "I", "by": ["W"]}
PACK = {"level": "Buffer", "action": "pack", "target": "W"}


@pytest.mark.parametrize("features", [[], [GATE], [SKIP], [PACK], [GATE, SKIP]])
@pytest.mark.parametrize("formats", [{}, {"DRAM": {"I": ["RLE"]}}, {"Buffer": {"W": ["UOP", "CP"]}}])
@pytest.mark.parametrize("zeros", ["compute", "gate", "skip"])
def test_no_mapping_undercuts_its_bounds(tmp_path, features, formats, zeros):
    plain = {
        "architecture": {
            "level": [
                {"name": "DRAM", "read": 200.0, "write": 200.0, "block": 4, "metadata": {"width": 4}},
                {"name": "Buffer", "read": 2.0, "write": 2.0, "fanout": 8, "metadata": {"width": 4}},
            ],
            "compute": {"energy": 1.0, "zeros": zeros},
        },
        "feature": features,
        "format": formats,
    }
    found = specification(tmp_path, **plain)
    layer = found.layers[0]
    nest = Mapspace.of(layer.workload, layer.architecture, found.constraints).sample(
        np.random.default_rng(5), 300
    )
    costs = evaluate_nest(layer.workload, layer.architecture, nest).costs
    assert (least_cycles(layer.workload, layer.architecture, nest) <= costs.cycles).all()
    assert (least_energy(layer.workload, layer.architecture, nest) <= costs.energy).all()


def test_a_space_that_can_be_listed_is_searched_to_its_end(tmp_path):
    plain = {
        "workload": {"einsum": "Z[m] = A[m,k] * B[k]", "sizes": {"m": 4, "k": 4}},
        "search": [{"level": "DRAM", "spatial": ""}, {"level": "Buffer", "spatial": ""}],
    }
    found = specification(tmp_path, **plain)
    layer = found.layers[0]
    every = []
    for m, k in itertools.product((1, 2, 4), repeat=2):
        outer, inner = [("m", m), ("k", k)], [("m", 4 // m), ("k", 4 // k)]
        for first, second in itertools.product(itertools.permutations(outer), itertools.permutations(inner)):
            mapping = Mapping((Loops("DRAM", first), Loops("Buffer", second)))
            every.append(evaluate(layer.workload, layer.architecture, mapping).costs.energy[0])
    best = search(layer, found.constraints, objective="energy", count=3000, jobs=1).best
    assert best[0].value == pytest.approx(min(every))


def test_constraints_are_kept(tmp_path):
    entries = [
        {"level": "DRAM", "loops": "m:8 c", "spatial": "", "order": ["c"]},
        {"level": "Buffer", "loops": "m p c r q", "spatial": "p:4 q", "keep": ["W", "O"]},
    ]
    found = specification(tmp_path, search=entries)
    for each in search(found.layers[0], found.constraints, count=1000, jobs=1).best:
        outer, inner = each.mapping.levels
        assert ("m", 8) in outer.temporal and not outer.spatial and set(dict(outer.temporal)) <= {"m", "c"}
        assert dict(inner.spatial)["p"] == 4 and set(dict(inner.spatial)) <= {"p", "q"}
        assert inner.keep == ("W", "O")
        if "c" in dict(outer.temporal):
            assert outer.temporal[-1][0] == "c"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"level": "DRAM", "loops": "m:3"}, {"level": "Buffer"}], "m: its fixed loops make 3"),
        (
            [
                {"level": "DRAM", "loops": "", "spatial": ""},
                {"level": "Buffer", "loops": "m c p q", "spatial": ""},
            ],
            "r",
        ),
        ([{"level": "DRAM", "keep": ["W"]}, {"level": "Buffer"}], "I is missing"),
    ],
)
def test_a_space_without_a_mapping_is_refused(tmp_path, entries, message):
    found = specification(tmp_path, search=entries)
    with pytest.raises(UserError, match=message):
        search(found.layers[0], found.constraints, count=10)


def test_levels_that_nothing_fits_are_told(tmp_path):
    found = specification(tmp_path)
    plain = specification(tmp_path)
    small = [{"name": "DRAM"}, {"name": "Buffer", "size": 1}]
    found = specification(tmp_path, architecture={"level": small})
    with pytest.raises(UserError, match="none of 50 mappings fits"):
        search(found.layers[0], plain.constraints, count=50)
