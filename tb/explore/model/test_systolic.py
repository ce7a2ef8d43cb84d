"""Arrays in the model against the RTL: cycles and results of random products, some of their tiles pruned."""

import numpy as np
import pytest

from support.seed import SEED
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_explore.cost import Run
from tileloom_explore.model.systolic import array_figures
from tileloom_explore.systolic.cost import array_cost
from tileloom_golden.engine.layer import Layer
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.tiles import split_tiles
from tileloom_golden.words import encode
from tileloom_sim.systolic import beats, reference
from tileloom_sim.systolic.gemm import simulate_gemm


@pytest.mark.parametrize("layers", [40, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.parametrize("preset", ["stream-8x8-int8", pytest.param("sasp-8x8-int8", marks=pytest.mark.long)])
def test_cycles_are_those_of_the_hardware(preset, layers):
    config = load(preset, rows=5, columns=3)  # as in test_gemm, whose simulators are built anyway
    design = generate(config)
    rng = np.random.default_rng([SEED, layers])
    compared = 0
    for _ in range(layers):
        vectors, k, n = (int(rng.integers(1, 40)) for _ in range(3))
        w = rng.integers(1, 128, (k, n)).astype(np.int8)
        kept = rng.random((-(-k // 5), -(-n // 3))) < rng.random()
        w *= np.repeat(np.repeat(kept, 5, axis=0), 3, axis=1)[:k, :n]
        if not w.any():
            continue
        x = encode(rng.normal(size=(vectors, k)), reference.float_format(config.activation))
        run = simulate_gemm(design, x, sign_magnitude(w))
        one = Run(Layer.product(vectors, k, n), split_tiles(w != 0, 5, 3).any(axis=(2, 3)), 1)
        cost, model = array_cost(config, [one]), array_figures(config, one)
        assert (cost.cycles, cost.units - cost.skipped) == (run.cycles, run.computed), (vectors, k, n)
        tiles = np.zeros((run.computed, 5, 3), np.uint64)
        assert cost.transfers["weights"] == len(beats.weight_beats(config, tiles))
        sent = beats.vector_beats(
            config, np.zeros((run.computed * vectors, 5), np.uint64), config.activation.width
        )
        assert cost.transfers["activations"] == len(sent)
        host = {tensor: counts["reads"]["actual"] for tensor, counts in model["levels"][0]["tensors"].items()}
        assert (host["W"], host["X"]) == (run.computed * 15, run.computed * vectors * 5)
        assert model["computes"] == cost.actions["multiplications"] == run.computed * vectors * 15
        compared += 1
    print(f"seed {SEED}: {compared} layers on {preset}")
    assert compared > 0.7 * layers
