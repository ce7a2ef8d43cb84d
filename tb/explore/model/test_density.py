"""The laws of non-zeros against counts of all tensors there are, the formats against tiles counted out."""

import itertools
import math

import numpy as np
import pytest

from support.seed import SEED
from tileloom_explore.model.density import ActualData, FixedStructured, Uniform, banded, log_factorial
from tileloom_explore.model.formats import Format, Kind, Rank, items


def occupancies(words, nonzeros, tile):
    """Return the occupancy of the first ``tile`` words in every arrangement of the non-zeros."""
    return np.array(
        [sum(1 for k in each if k < tile) for each in itertools.combinations(range(words), nonzeros)]
    )


def test_the_logarithm_of_a_factorial():
    for n in (0, 1, 2, 10, 255, 256, 257, 1000, 10**6, 10**9):
        assert float(log_factorial(n)) == pytest.approx(math.lgamma(n + 1), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize(("words", "nonzeros"), [(9, 4), (12, 0), (12, 12), (10, 1), (13, 5)])
def test_the_uniform_law_is_that_of_all_arrangements(words, nonzeros):
    law = Uniform(nonzeros / words, words)
    assert law.nonzeros == nonzeros
    for tile in range(1, words + 1):
        found = occupancies(words, nonzeros, tile)
        shape = np.array([[tile]])
        assert law.empty(shape)[0] == pytest.approx(np.mean(found == 0), abs=1e-12)
        assert law.most(shape, 1.0)[0] == found.max()
        for confidence in (0.5, 0.9):
            most = law.most(shape, confidence)[0]
            assert np.mean(found <= most) >= confidence - 1e-9
            assert most == 0 or np.mean(found <= most - 1) < confidence
        for lanes in (1, 3):
            steps = law.packed(shape, np.array([lanes]))[0]
            assert steps == pytest.approx(np.ceil(found / lanes).mean(), abs=1e-12)


def test_a_large_tensor_and_its_tiles_agree():
    law = Uniform(0.31, 4096 * 4096)
    tiles = np.array([[1, 1], [32, 1], [1, 4096], [4096, 4096]])
    assert law.empty(tiles)[:2] == pytest.approx([0.69, 0.69**32], rel=1e-4)
    assert law.empty(tiles)[3] == 0
    mean = law.packed(tiles[1:2], np.array([1]))[0]
    assert mean == pytest.approx(32 * 0.31, rel=1e-6)


def test_the_fixed_law():
    law = FixedStructured(0.25)
    tiles = np.array([[1, 1], [1, 2], [2, 2], [3, 2]])
    assert law.empty(tiles).tolist() == [0.75, 0.5, 0, 0]
    assert law.most(tiles, 1.0).tolist() == [1, 1, 1, 2]
    assert law.packed(tiles, np.array([1]))[3] == pytest.approx(1.5)


def test_actual_data_is_counted():
    rng = np.random.default_rng(SEED)
    data = rng.random((13, 10, 7)) < rng.random((13, 1, 1)) ** 3
    law, compared = ActualData(data), 0
    for shape in ((1, 1, 1), (4, 5, 7), (13, 1, 2), (5, 3, 3)):
        starts = itertools.product(*(range(0, n, e) for n, e in zip(data.shape, shape, strict=True)))
        found = np.array(
            [data[x : x + shape[0], y : y + shape[1], z : z + shape[2]].sum() for x, y, z in starts]
        )
        tile = np.array([shape])
        assert law.empty(tile)[0] == pytest.approx(np.mean(found == 0))
        assert law.most(tile, 1.0)[0] == found.max()
        assert law.packed(tile, np.array([2]))[0] == pytest.approx(np.ceil(found / 2).mean())
        compared += found.size
    print(f"seed {SEED}: {compared} tiles")
    assert compared > 900


def test_a_band():
    law = banded((12, 12), 1)
    assert law.share == pytest.approx((3 * 12 - 2) / 144)
    assert law.empty(np.array([[4, 4]]))[0] == pytest.approx(
        2 / 9
    )  # tiles beside the diagonal touch a corner


def counted(form, data, tiles):
    """Return the items of each rank by going through the fibers of a tensor cut into nested tiles."""
    shapes = [tuple(tile) for tile in tiles]
    fibers, result = [data], []
    for depth, rank in enumerate(form.ranks):
        inner, below, count = shapes[depth + 1], [], 0
        for fiber in fibers:
            parts = [
                fiber[tuple(slice(i, i + e) for i, e in zip(at, inner, strict=True))]
                for at in itertools.product(
                    *(range(0, n, e) for n, e in zip(fiber.shape, inner, strict=True))
                )
            ]
            full = [part for part in parts if part.any()]
            count += {"UOP": len(parts) + 1, "B": len(parts), "CP": len(full), "RLE": len(full), "U": 0}[
                rank.kind.value
            ]
            below += parts if rank.kind is Kind.U else full
        fibers = below
        result.append(count)
    return result


@pytest.mark.parametrize(
    "kinds", [("UOP", "CP"), ("B", "B"), ("CP", "CP"), ("U", "B"), ("UOP", "UOP", "RLE"), ("CP", "UOP", "CP")]
)
def test_the_items_of_formats_are_those_of_a_tensor(kinds):
    rng = np.random.default_rng([SEED, len(kinds)])
    form = Format(tuple(Rank(Kind(kind)) for kind in kinds))
    for density in (0.02, 0.2, 1.0):
        data = rng.random((8, 12)) < density
        tiles = [(8, 12), (1, 12), (1, 1)] if len(kinds) == 2 else [(8, 12), (4, 12), (1, 12), (1, 1)]
        found = items(form, np.array([tiles]), ActualData(data))[0]
        assert found.tolist() == pytest.approx(counted(form, data, tiles))
