"""The regressions that several tests look at, run once each, and their coverage in pytest's summary."""

from collections.abc import Callable

import pytest

from support.seed import SEED
from systolic import arrays
from tileloom_sim.systolic.regression import Regression, regress_farm

_done: dict[str, Regression] = {}
_summary: list[str] = []


@pytest.fixture(scope="session")
def regression() -> Callable[[str], Regression]:
    """Return the regression of a group of arrays, ``small`` or ``large``."""

    def of(group: str) -> Regression:
        if group not in _done:
            farm = arrays.farm(group)
            # A swap in a large array is the same hardware, and its weights take a thousand cycles to load.
            tests = ("regression",) if group == "large" else ("regression", "swaps")
            _done[group] = regress_farm(farm, seed=SEED, testcase=tests, large=group == "large")
        return _done[group]

    return of


@pytest.fixture(scope="session")
def summary() -> list[str]:
    """Return the list of lines that pytest's summary will show."""
    return _summary


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report what the regressions covered."""
    for group, done in _done.items():
        names = {entry["array"] for entry in done.entries}
        _summary.insert(0, f"{group}: {len(names)} arrays, {done.compared} result transfers compared")
    if _summary:
        terminalreporter.section("functional coverage of the arrays")
        for line in _summary:
            terminalreporter.line(line)
