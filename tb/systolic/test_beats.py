"""Packing of whole matrices into beats: the same bits as the golden model's packing, one beat at a time."""

import numpy as np
import pytest

from tileloom.formats import FP16, FP32, INT8, SignMagnitude
from tileloom.systolic.config import Port, SystolicConfig
from tileloom_golden.systolic.packing import pack_vector, pack_weights, unpack_vector
from tileloom_sim.systolic.beats import integers, pack, unpack, weight_beats


@pytest.mark.parametrize("width", [2, 5, 8, 10, 16, 17, 32, 33, 64])
@pytest.mark.parametrize("elements", [1, 3, 8])
def test_vectors(rng, width, elements):
    vectors = rng.integers(0, 1 << width, (7, elements), dtype=np.uint64, endpoint=False)
    packed = pack(vectors, width)
    assert integers(packed) == [pack_vector(vector, width) for vector in vectors]
    assert np.array_equal(unpack(packed, elements, width), vectors)
    assert np.array_equal(unpack_vector(integers(packed)[2], elements, width), vectors[2])


@pytest.mark.parametrize("weight", [INT8, FP32, FP16, SignMagnitude(5), SignMagnitude(11)], ids=str)
@pytest.mark.parametrize("columns", [1, 4, 5])
def test_tiles_on_the_word_port(rng, weight, columns):
    config = SystolicConfig(rows=3, columns=columns, weight=weight, port=Port.WORD)
    tiles = rng.integers(0, 1 << weight.width, (2, 3, columns), dtype=np.uint64)
    expected = np.concatenate([pack_weights(tile, weight.width) for tile in tiles])
    assert integers(weight_beats(config, tiles)) == expected.tolist()
