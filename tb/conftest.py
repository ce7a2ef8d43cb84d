"""What all tests share: one printed seed that replays a run."""

import zlib

import numpy as np
import pytest

from support.seed import SEED


def pytest_report_header() -> str:
    """Say how to replay this run."""
    return f"random data: TILELOOM_SEED={SEED} replays it"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> list[int]:
    """Return the seed of this test: the run's, and one from the test's name, so that it replays alone."""
    print(f"TILELOOM_SEED={SEED} {request.node.name}")
    return [SEED, zlib.crc32(request.node.name.encode())]


@pytest.fixture
def rng(seed: list[int]) -> np.random.Generator:
    """Return this test's own generator."""
    return np.random.default_rng(seed)
