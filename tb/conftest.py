"""What all tests share: tb/ on the import path (for `stimulus`), and one printed seed that replays a run."""

import os
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

SEED = int(os.environ.get("TILELOOM_SEED", "20240607"))


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
