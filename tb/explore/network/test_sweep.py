"""A sweep gives each variant what `prepare` and `run` give, and computes equal beginnings once."""

from pathlib import Path

import numpy as np
import pytest

from explore.network.models import perceptron
from support.seed import SEED
from tileloom.errors import UserError
from tileloom.families import load
from tileloom_explore.network import sweep as sweeping
from tileloom_explore.network.network import Network, read_network
from tileloom_explore.network.prepare import prepare
from tileloom_explore.network.run import run_network
from tileloom_explore.network.sparsity import Sparsity
from tileloom_explore.network.sweep import Variant, sweep


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return read_network(perceptron(tmp_path / "m.onnx", np.random.default_rng(SEED), (20, 24, 17, 10)))


def test_each_variant_is_what_prepare_and_run_give(network: Network) -> None:
    x = np.random.default_rng(SEED).normal(size=(1, 20)).astype(np.float32)
    variants = [
        Variant(load(f"sasp-4x4-{weights}", rounding=rounding), share)
        for weights in ("fp32", "int8")
        for rounding in ("truncate", "nearest-even")
        for share in (0.0, 0.4)
    ]
    for variant, outputs in sweep(network, variants, [{"x": x}], ["fc0", "fc1"]):
        sparsity = Sparsity("tiles", variant.share) if variant.share else None
        include = ["fc0", "fc1"] if sparsity else []
        prepared = prepare(network, variant.config, sparsity=sparsity, include=include).prepared
        wanted = run_network(prepared, variant.config, [{"x": x}]).outputs
        assert np.array_equal(outputs["y"], wanted["y"]), variant


def test_exact_sums_are_those_of_the_weights_that_are_left(network: Network) -> None:
    x = np.random.default_rng(SEED).normal(size=(5, 20)).astype(np.float32)
    variants = [Variant(load("sasp-4x4-int8"), 0.5, exact) for exact in (True, False)]
    (_, exact), (_, array) = sweep(network, variants, [{"x": x}])
    (_, whole), *_ = sweep(network, [Variant(load("sasp-4x4-fp32"), 0.0, exact=True)], [{"x": x}])
    assert np.allclose(exact["y"], array["y"], atol=1e-4) and not np.array_equal(exact["y"], array["y"])
    assert not np.allclose(exact["y"], whole["y"], atol=1e-2)
    (before,) = network.run({"x": x}, sweeping.reference).values()
    assert np.array_equal(whole["y"], before)


def test_what_is_the_same_is_computed_once(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    reference = sweeping.reference

    def noted(layer, tensor):
        computed.append(layer.name)
        return reference(layer, tensor)

    monkeypatch.setattr(sweeping, "reference", noted)
    config = load("sasp-4x4-fp32")
    x = [{"x": np.full((1, 20), value, np.float32)} for value in (1, 2)]
    variants = [Variant(config, share, exact=True) for share in (0.0, 0.3, 0.6)]
    outputs = [outputs["y"] for _, outputs in sweep(network, variants, x, ["fc2"])]
    # For each batch the two layers before are computed for the first variant alone.
    assert computed == ["fc0", "fc1", "fc2", "fc2", "fc2"] * 2
    assert len({each.tobytes() for each in outputs}) == 6


def test_a_pattern_that_fits_no_layer(network: Network) -> None:
    with pytest.raises(UserError, match="'fc9' fits no layer"):
        next(sweep(network, [Variant(load("sasp-4x4-fp32"), 0.5)], [], ["fc9"]))
