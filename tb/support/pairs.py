"""How many random pairs an operator is tried with: some in every run, ten million in the long one."""

import pytest

CHUNK = 100_000
"""Pairs that are drawn and compared at a time."""

PAIRS = pytest.mark.parametrize("pairs", [300_000, pytest.param(10_000_000, marks=pytest.mark.long)])
"""The decorator of a test that takes their number as ``pairs``."""
