"""The example with a real layer: every image of the test set gets the golden model's class from the RTL."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from tileloom.families import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"


@pytest.fixture(scope="module")
def example():
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("digits", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["digits"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("config", ["stream-8x8-int8", "sasp-4x4-int8"])
def test_every_image_gets_the_same_class(example, config):
    digits = example.classify(load(config), prune=0.25)
    assert len(digits.labels) == 450
    assert np.array_equal(digits.simulated, digits.golden)
    assert digits.run.tiles - digits.run.computed == digits.run.tiles // 4
    assert np.mean(digits.trained == digits.labels) > 0.95
    assert np.mean(digits.simulated == digits.labels) > 0.8
