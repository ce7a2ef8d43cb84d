"""A layer of a real network on the array: scikit-learn's handwritten digits, quantised, pruned, simulated.

    python examples/digits.py [CONFIG] [--prune RATE]

Trains a small network, sets the weakest tiles of its hidden layer to zero, quantises it to the array's
integers, and runs that layer for all images of the test set through the RTL. The rest of the network is
NumPy. The array's words and the golden model's are the same, so every image gets the same class from both.

Needs scikit-learn: ``pip install '.[examples]'``, in a clone of the repository.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from tileloom.families import load
from tileloom.formats import SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.prune import prune_tiles
from tileloom_golden.systolic.quantise import quantise
from tileloom_golden.words import encode, to_float32
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.gemm import GemmRun, golden_gemm, simulate_gemm

HIDDEN = 32
"""Neurons of the hidden layer, the one that goes to the array: 64 x 32 weights."""


@dataclass(frozen=True)
class Digits:
    """What came of the test set.

    Attributes
    ----------
    labels, trained, simulated, golden:
        For each image: what it shows; the class by the network as trained, by the quantised and pruned one
        with its hidden layer on the array, and with the layer in the golden model.
    run:
        The simulation.
    """

    labels: npt.NDArray[np.int64]
    trained: npt.NDArray[np.int64]
    simulated: npt.NDArray[np.int64]
    golden: npt.NDArray[np.int64]
    run: GemmRun


def train() -> tuple[MLPClassifier, npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return a trained network, and the images (0 to 1) and labels of the test set."""
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images / 16, labels, test_size=0.25, random_state=0)
    network = MLPClassifier((HIDDEN,), max_iter=60, learning_rate_init=0.01, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(x, y)
    return network, x_test, y_test


def classify(config: SystolicConfig, prune: float = 0.25) -> Digits:
    """Run the test set with the hidden layer on the array that ``config`` describes.

    Its weights are integers. ``prune`` is the share of the layer's tiles that become zero.
    """
    assert isinstance(config.weight, SignMagnitude)
    network, images, labels = train()
    hidden, last = network.coefs_
    pruned = prune_tiles(hidden, config.rows, config.columns, prune)
    weights = quantise(pruned, config.weight.bits, per="column")
    x = encode(images, reference.float_format(config.activation))
    w = sign_magnitude(weights.integers, config.weight.bits)

    def classes(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        sums = to_float32(words, reference.float_format(config.accumulator)) * weights.scale
        activations = np.maximum(sums + network.intercepts_[0], 0)
        return np.argmax(activations @ last + network.intercepts_[1], axis=1)

    run = simulate_gemm(generate(config), x, w)
    golden = classes(golden_gemm(config, x, w))
    return Digits(labels, network.predict(images), classes(run.words), golden, run)


def main() -> None:
    """Print how many images each network gets right, and what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("config", nargs="?", default="stream-8x8-int8")
    parser.add_argument("--prune", type=float, default=0.25, metavar="RATE")
    arguments = parser.parse_args()
    digits = classify(load(arguments.config), arguments.prune)
    run, count = digits.run, len(digits.labels)
    print(f"images                          {count}")
    print(f"right, as trained               {np.mean(digits.trained == digits.labels):.1%}")
    print(f"right, quantised and pruned     {np.mean(digits.simulated == digits.labels):.1%}")
    print(f"same class as the golden model  {np.sum(digits.simulated == digits.golden)} of {count}")
    print(f"tiles skipped                   {run.tiles - run.computed} of {run.tiles}")
    print(f"cycles                          {run.cycles:,} ({run.utilisation:.1%} of the array's rate)")


if __name__ == "__main__":
    main()
