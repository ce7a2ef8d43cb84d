"""The examples in the documentation give what it says."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("page", ["xdecimate.md"])
def test_the_examples_hold(page):
    outcome = doctest.testfile(str(DOCS / page), module_relative=False)
    assert outcome.attempted and not outcome.failed
