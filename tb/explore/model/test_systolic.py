"""Arrays in the model against the RTL: cycles and results of random products, some of their tiles pruned."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from support.seed import SEED
from tileloom.cli.main import main
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_explore.model.systolic import estimate_array
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
        found = estimate_array(config, vectors, k, n, split_tiles(w != 0, 5, 3).any(axis=(2, 3)))
        assert (found["cycles"], found["tiles"]) == (run.cycles, run.computed), (vectors, k, n)
        tiles = np.zeros((run.computed, 5, 3), np.uint64)
        assert found["transfers"]["weights"] == len(beats.weight_beats(config, tiles))
        sent = beats.vector_beats(
            config, np.zeros((run.computed * vectors, 5), np.uint64), config.activation.width
        )
        assert found["transfers"]["activations"] == len(sent)
        assert found["computes"] == run.computed * vectors * 15
        compared += 1
    print(f"seed {SEED}: {compared} layers on {preset}")
    assert compared > 0.7 * layers


def test_the_command(tmp_path):
    w = np.ones((40, 24), np.int8)
    w[8:32] = 0
    np.save(tmp_path / "W.npy", w)
    arguments = ["estimate", "stream-8x8-int8", "--layer", "64x40x24", "--json"]
    dense = json.loads(CliRunner().invoke(main, arguments).stdout)[0]
    result = CliRunner().invoke(main, [*arguments, "--weights", str(tmp_path / "W.npy")])
    pruned = json.loads(result.stdout)[0]
    assert (dense["tiles"], pruned["tiles"]) == (15, 6)
    assert dense["transfers"] == {"weights": 120, "activations": 960, "results": 960, "psum_in": 960}
    assert pruned["transfers"] == {"weights": 48, "activations": 384, "results": 384, "psum_in": 384}
    assert CliRunner().invoke(main, arguments[:-1]).exit_code == 0
    wrong = CliRunner().invoke(main, [*arguments[:3], "64x40x8", "--weights", str(tmp_path / "W.npy")])
    assert wrong.exit_code == 2 and "has the shape (40, 24), the layer wants (40, 8)" in wrong.stderr
