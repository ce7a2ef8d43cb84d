"""What all tests share: one printed seed that replays a run."""

import signal
import zlib
from typing import Any

import numpy as np
import pytest

from support.seed import SEED

SUMMARY = pytest.StashKey[list[str]]()
"""What tests found worth telling: lines of pytest's summary, from all processes."""


def pytest_configure(config: pytest.Config) -> None:
    """Begin without any, and with SIGINT in force.

    What a script starts in the background has it ignored, and so have all programs that tests interrupt.
    """
    config.stash[SUMMARY] = []
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to do in each process what a group of tests shares."""
    grouped = [item for item in items if item.get_closest_marker("xdist_group")]
    if hasattr(config, "workerinput") and not all("@" in item.nodeid for item in grouped):
        raise pytest.UsageError("pytest-xdist does not see xdist_group here; install pytest below 9.2")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over the lines of a pytest-xdist worker."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["summary"] = session.config.stash[SUMMARY]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the lines of a worker; one that crashed has none."""
    node.config.stash[SUMMARY] += getattr(node, "workeroutput", {}).get("summary", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines."""
    if lines := terminalreporter.config.stash[SUMMARY]:
        terminalreporter.section("functional coverage of the arrays")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def summary(pytestconfig: pytest.Config) -> list[str]:
    """Return the list of lines that pytest's summary will show."""
    return pytestconfig.stash[SUMMARY]


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
