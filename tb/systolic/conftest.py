"""The regressions that several tests look at, run once each; who looks at one has its xdist_group."""

from collections.abc import Callable
from functools import cache

import pytest

from support.seed import SEED
from systolic import arrays
from tileloom_sim.systolic.regression import Regression, regress_farm


@pytest.fixture(scope="session")
def regression(summary: list[str]) -> Callable[[str], Regression]:
    """Return the regression of a group of ``arrays.GROUPS``."""

    @cache
    def of(group: str) -> Regression:
        # A swap in a large array is the same hardware, and its weights take a thousand cycles to load.
        large = group == "large"
        tests = ("regression",) if large else ("regression", "swaps")
        done = regress_farm(arrays.farm(group), seed=SEED, testcase=tests, large=large)
        names = {entry["array"] for entry in done.entries}
        summary.append(f"{group}: {len(names)} arrays, {done.compared} result transfers compared")
        return done

    return of
