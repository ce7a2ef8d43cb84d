"""Sparse filtering with actual data, against accesses that are walked through and decided one by one."""

import itertools

import numpy as np

from support.seed import SEED
from tileloom_explore.model.architecture import Architecture, Compute, Feature, Level
from tileloom_explore.model.density import ActualData
from tileloom_explore.model.evaluate import evaluate
from tileloom_explore.model.formats import Format, Kind, Rank
from tileloom_explore.model.mapping import Loops, Mapping
from tileloom_explore.model.workload import Workload, parse_einsum

TENSORS, TERMS = parse_einsum("Z[m,n] = A[m,k] * B[k,n]", "test")


def product(a, b):
    """Return the workload of a product with these operands."""
    sizes = {"m": a.shape[0], "n": b.shape[1], "k": a.shape[1]}
    return Workload("test", sizes, TENSORS, TERMS, {"A": ActualData(a), "B": ActualData(b)})


def test_words_that_leaders_remove_are_those_counted():
    """B[k,n] is read for each m unless A[m,k] is zero; its tile comes unless all of A beside it is."""
    rng = np.random.default_rng(SEED)
    compared = 0
    for _ in range(40):
        m, n, k = (int(rng.integers(1, 4)) * 4 for _ in range(3))
        a, b = (rng.random(shape) < rng.random() ** 2 for shape in ((m, k), (k, n)))
        features = (Feature("Outer", "skip", "B", ("A",)), Feature("Inner", "gate", "B", ("A",)))
        levels = (Level(name="Outer"), Level(name="Inner"))
        mapping = Mapping(
            (Loops("Outer", (("n", n // 2), ("k", k // 4))), Loops("Inner", (("m", m), ("k", 4), ("n", 2))))
        )
        estimate = evaluate(product(a, b), Architecture("test", levels, Compute(), features), mapping)
        outer, inner = estimate.at("Outer", "B"), estimate.at("Inner", "B")
        fetched = [
            (k0, n0)
            for n0, k0 in itertools.product(range(0, n, 2), range(0, k, 4))
            if a[:, k0 : k0 + 4].any()
        ]
        assert outer.reads.actual[0] == 8 * len(fetched)
        assert outer.reads.skipped[0] == k * n - 8 * len(fetched)
        assert inner.fills.actual[0] == 8 * len(fetched)
        reads = n * int(a.sum())
        assert inner.reads.actual[0] == reads
        assert inner.reads.gated[0] == 8 * m * len(fetched) - reads
        assert estimate.costs.computes[0][0] == reads
        compared += m * n * k
    print(f"seed {SEED}: {compared} reads")
    assert compared > 10_000


def test_packing_takes_the_steps_of_the_fullest_lanes():
    rng = np.random.default_rng(SEED)
    a, b = rng.random((24, 8)) < 0.4, rng.random((8, 16)) < 0.5
    features = tuple(Feature("Level", "pack", tensor) for tensor in "AB")
    formats = {("Level", tensor): Format((Rank(Kind.B),)) for tensor in "AB"}
    architecture = Architecture(
        "test", (Level(name="Top"), Level(name="Level")), Compute(), features, formats
    )
    mapping = Mapping(
        (Loops("Top", (("k", 8),)), Loops("Level", (("m", 6), ("n", 2)), (("m", 4), ("n", 8)), ("A", "B")))
    )
    estimate = evaluate(product(a, b), architecture, mapping)
    steps = [np.ceil(x.sum(axis=axis) / lanes).mean() for x, axis, lanes in ((a, 0, 4), (b, 1, 8))]
    # Columns of A and rows of B are taken for independent, as the paper does; their means are exact.
    assert estimate.costs.compute_cycles[0] == np.ceil(8 * steps[0] * steps[1] - 1e-6)
    effectual = 32 * np.ceil(8 * 6 * 2 * a.mean() * b.mean())
    assert estimate.costs.computes[0][0] == effectual


def test_sums_are_computed_where_any_term_is():
    tensors, terms = parse_einsum("Z[i] = A[i] + B[i]", "test")
    a, b = np.zeros(64, bool), np.zeros(64, bool)
    a[::2], b[:16] = True, True
    density = {"A": ActualData(a), "B": ActualData(b)}
    workload = Workload("test", {"i": 64}, tensors, terms, density)
    compute = Compute(zeros="gate")
    estimate = evaluate(
        workload, Architecture("test", (Level(name="L"),), compute), Mapping((Loops("L", (("i", 64),)),))
    )
    assert [float(count[0]) for count in estimate.costs.computes] == [40, 24, 0]
