"""The CV-X-IF adapter alone, on a random pipeline: protocol and results of 200,000 instructions."""

import numpy as np
import pytest

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.design import generate
from tileloom_sim.xfu.adapter import build, run

CONFIGS = {
    "precise": XfuConfig(),
    "fast": XfuConfig(precise_errors=False),
    "one size": XfuConfig(group_sizes=(8,)),
}


@pytest.mark.parametrize("batched", [False, True], ids=["one by one", "batched"])
@pytest.mark.parametrize("stall", [0, 50], ids=["flowing", "stalled"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_protocol_and_results(config: XfuConfig, stall: int, batched: bool, rng: np.random.Generator) -> None:
    count = 50_000 if config.group_sizes == (4, 8, 16) else 5_000
    seen, compared = run(build(generate(config)), config, rng, count, stall, batched=batched)
    assert compared["decimate"] + compared["swap"] == seen["results"] >= count
    assert seen["killed"] > count // 100
    assert seen["rejected"] > count // 50
    assert compared["fault"] == seen["errors"] + seen["exceptions"] > count // 100
    assert bool(seen["exceptions"]) == config.precise_errors
    assert min(compared.values()) > count // 100
    print(f"{seen} {compared}")
