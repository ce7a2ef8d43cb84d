"""Dense traffic in closed form, against mappings that are walked through with sets of words."""

import dataclasses

import numpy as np
import pytest

from support.seed import SEED
from tileloom_explore.model.architecture import Architecture, Compute, Level
from tileloom_explore.model.mapping import Loops, Mapping, nest_of
from tileloom_explore.model.traffic import dense_traffic
from tileloom_explore.model.workload import Workload, parse_einsum

from .walk import Walk

CASES = 150
EINSUMS = [
    ("Z[m,n] = A[m,k] * B[k,n]", "mnk", (1, 6)),
    ("O[m,p] = W[m,c,r] * I[c,p+r]", "mcpr", (1, 5)),
    ("O[p,q] = W[r,s] * I[2*p+r,q+3*s]", "pqrs", (1, 4)),
    ("Z[i] = A[i,j] * B[i,j] + C[i]", "ij", (1, 9)),
]


def cut(rng, size, parts):
    """Return ``parts`` factors of a size, dealt out at random."""
    factors = [1] * parts
    for prime in (2, 3, 5, 7):
        while size % prime == 0:
            factors[rng.integers(parts)] *= prime
            size //= prime
    return factors


def random_mapping(rng, sizes, levels):
    """Return loops in time and in space of each level, at most one level with loops in space of many."""
    time, space = [[] for _ in range(levels)], [[] for _ in range(levels)]
    for name, size in sizes.items():
        for place, bound in enumerate(cut(rng, size, 2 * levels)):
            (time if place < levels else space)[place % levels].append((name, bound))
    for group in time:
        rng.shuffle(group)
    return [([(n, int(b)) for n, b in t], s) for t, s in zip(time, space, strict=True)]


def arrangement(rng, links):
    """Return a workload, an architecture and a mapping, all drawn at random."""
    text, names, (low, high) = EINSUMS[rng.integers(len(EINSUMS))]
    tensors, terms = parse_einsum(text, "test")
    sizes = {name: int(rng.integers(low, high + 1)) for name in names}
    count = int(rng.integers(1, 4))
    loops = random_mapping(rng, sizes, count)
    keep = {
        tensor.name: (0, *(level for level in range(1, count) if rng.random() < 0.6)) for tensor in tensors
    }
    levels = tuple(Level(name=f"L{index}", links=links) for index in range(count))
    mapping = Mapping(
        tuple(
            Loops(f"L{i}", tuple(t), tuple(s), tuple(n for n, places in keep.items() if i in places))
            for i, (t, s) in enumerate(loops)
        )
    )
    return (
        Workload("test", sizes, tensors, terms, {}),
        Architecture("test", levels, Compute()),
        mapping,
        keep,
        loops,
    )


@pytest.mark.parametrize("links", [False, True])
def test_reads_fills_and_updates_are_those_of_a_walk(links):
    rng = np.random.default_rng([SEED, links])
    compared = exact = strided = 0
    for _ in range(CASES):
        workload, architecture, mapping, keep, loops = arrangement(rng, links)
        nest = nest_of(workload, architecture, mapping)
        for tensor in workload.tensors:
            found = list(dense_traffic(nest, architecture, tensor))
            walked = Walk(tensor, workload.sizes, loops, keep[tensor.name]).run()
            for transfer, below in zip(found, (*found[1:], None), strict=True):
                counts = walked[transfer.level]
                moved = float((transfer.updates if tensor.written else transfer.reads)[0])
                pairs = [(moved, counts["linked" if links and not tensor.written else "shared"])]
                if below is not None:
                    pairs.append((float(below.fills[0] + below.first_fills[0]), counts["own"]))
                for place, (got, want) in enumerate(pairs):
                    # A tile with holes is taken for its box, and of lanes that pass words on those count that
                    # lie in a row: both are above.
                    assert got >= want, (mapping, tensor.name)
                    assert place == 0 or tensor.strided or got == want, (mapping, tensor.name)
                    assert links or tensor.strided or got == want, (mapping, tensor.name)
                    compared, exact, strided = compared + 1, exact + (got == want), strided + tensor.strided
    print(f"seed {SEED}: {compared} counts, {exact} exact, {strided} of tensors with strides")
    assert compared > 5 * CASES and strided > 50
    assert exact >= compared - 0.1 * strided - 0.02 * compared * links


def test_instances_without_multicast_read_alone():
    tensors, terms = parse_einsum("Z[m] = A[k] * B[k,m]", "test")
    workload = Workload("test", {"m": 4, "k": 6}, tensors, terms, {})
    mapping = Mapping((Loops("L0", (("k", 6),), (("m", 4),)),))
    for multicast, reads in ((True, 6), (False, 24)):
        level = Level(name="L0", multicast=multicast)
        architecture = Architecture("test", (level,), Compute())
        nest = nest_of(workload, architecture, mapping)
        (found,) = dense_traffic(nest, architecture, tensors[0])
        assert found.reads[0] == reads
    # Without reduction, every lane writes its own partial result.
    for reduction, updates in ((True, 4), (False, 24)):
        level = dataclasses.replace(Level(name="L0"), reduction=reduction)
        architecture = Architecture("test", (level,), Compute())
        spread = Mapping((Loops("L0", (("m", 4),), (("k", 6),)),))
        (found,) = dense_traffic(nest_of(workload, architecture, spread), architecture, tensors[-1])
        assert found.updates[0] == updates and found.reads[0] == updates - 4
