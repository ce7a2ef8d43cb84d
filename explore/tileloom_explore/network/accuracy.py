"""Accuracy: of a network's answers against labels, and of each layer's results against the float model's."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

Metric = Callable[[Any, Any], float | Mapping[str, float]]
"""Of all outputs and all labels: one figure, or several by name."""


def top_1(scores: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
    """Return the share of inputs whose largest score is the label's, the first of equal ones.

    Parameters
    ----------
    scores:
        Inputs x classes.
    labels:
        (inputs,) class numbers.

    Raises
    ------
    UserError
        Shapes do not agree, there are no inputs, or a label is no class.
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if (
        scores.ndim != 2
        or labels.shape != scores.shape[:1]
        or not labels.size
        or labels.dtype.kind not in "iu"
    ):
        raise UserError(
            f"labels are {labels.dtype} of shape {labels.shape} and outputs of shape {scores.shape}: top-1 "
            "needs a class number for each input, and inputs x classes"
        )
    wrong = (labels < 0) | (labels >= scores.shape[1])
    if wrong.any():
        index = int(np.argmax(wrong))
        raise UserError(f"labels[{index}] is {labels[index]}, not 0 to {scores.shape[1] - 1}")
    return float((scores.argmax(axis=1) == labels).mean())


def edit_distance(found: Sequence[Hashable], wanted: Sequence[Hashable]) -> int:
    """Return the least number of insertions, deletions and substitutions between sequences (Levenshtein)."""
    row = list(range(len(wanted) + 1))
    for above, item in enumerate(found):
        diagonal, row[0] = row[0], above + 1
        for place, other in enumerate(wanted):
            substituted = diagonal + (item != other)
            diagonal = row[place + 1]
            row[place + 1] = min(substituted, row[place] + 1, diagonal + 1)
    return row[-1]


def error_rate(found: Sequence[Sequence[Hashable]], wanted: Sequence[Sequence[Hashable]]) -> float:
    """Return the edit distances of all sequences, together, by the length of all that were wanted.

    Raises
    ------
    UserError
        Not as many sequences, or none with anything in it is wanted.
    """
    if len(found) != len(wanted):
        raise UserError(f"there are {len(found)} outputs and {len(wanted)} labels")
    length = sum(map(len, wanted))
    if not length:
        raise UserError("labels are all empty: there is nothing that errors could be a share of")
    return sum(map(edit_distance, found, wanted)) / length


def character_error_rate(found: Sequence[str], wanted: Sequence[str]) -> float:
    """Return the share of characters that are wrong, missing or too many; above 1 where most are too many."""
    return error_rate(found, wanted)


def word_error_rate(found: Sequence[str], wanted: Sequence[str]) -> float:
    """Return the same of words, as blanks divide them."""
    return error_rate([text.split() for text in found], [text.split() for text in wanted])


def ctc_text(scores: npt.NDArray[Any], characters: Sequence[str], blank: int = 0) -> str:
    """Return the text of a connectionist temporal classification (Graves et al. 2006), the best of each step.

    Parameters
    ----------
    scores:
        Steps x classes; equal neighbours are one character, and `blank` is none.
    characters:
        Of all classes, the blank's among them, whatever that is.

    Raises
    ------
    UserError
        There are not as many characters as classes.
    """
    if scores.ndim != 2 or scores.shape[1] != len(characters):
        raise UserError(f"outputs have shape {scores.shape}, not steps x {len(characters)} characters")
    best = scores.argmax(axis=1)
    first = np.append(True, best[1:] != best[:-1]) & (best != blank)
    return "".join(characters[place] for place in best[first])


def text_errors(characters: Sequence[str]) -> Metric:
    """Return a measure of a CTC's texts: character and word error rate, blanks at either end left out.

    Parameters
    ----------
    characters:
        Of all classes, as `ctc_text` takes them; class 0 is the blank.

    Returns
    -------
    Metric
        Of outputs, inputs x steps x classes, and labels, an array of as many texts. It raises UserError where
        they are not that.
    """

    def measure(scores: npt.NDArray[Any], labels: npt.NDArray[Any]) -> dict[str, float]:
        if labels.dtype.kind != "U" or np.ndim(scores) != 3 or labels.shape != scores.shape[:1]:
            raise UserError(
                f"labels are {labels.dtype} of shape {labels.shape} and outputs of shape {np.shape(scores)}: "
                "error rates need a text for each input, and inputs x steps x characters"
            )
        found = [ctc_text(each, characters).strip() for each in scores]
        texts = [str(label).strip() for label in labels]
        return {
            "character error rate": character_error_rate(found, texts),
            "word error rate": word_error_rate(found, texts),
        }

    return measure


def read_characters(path: Path) -> list[str]:
    """Return the characters of all classes of a CTC from a UTF-8 file, a line each, an empty one first.

    Raises
    ------
    UserError
        The file cannot be read, is no UTF-8, or its first line is not empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: no UTF-8 text: byte {error.start}") from None
    if lines[0]:
        raise UserError(f"{path}: line 1 is the CTC's blank, and has to be empty, not {lines[0]!r}")
    return lines[:-1] if lines[-1] == "" else lines


def load_metric(name: str) -> Metric:
    """Return the user's function ``module:name``, which is called with all outputs and all labels.

    The module is looked for in the current folder as well, behind what is installed.

    Raises
    ------
    UserError
        It is not of that form, cannot be imported, or is no function; the message says which.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise UserError(f"{name!r}: must be module:name, such as scores:f1")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:  # whatever the user's module raises as it is imported
        raise UserError(f"{name}: cannot import {module}: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise UserError(f"{name}: {module} has no function {function}")
    return found


@dataclass
class SignalToNoise:
    """Signal-to-quantisation-noise ratio of a layer, summed batch by batch.

    Attributes
    ----------
    signal, noise:
        Sums of squares: of the float model's results, and of the differences from them.
    """

    signal: float = 0.0
    noise: float = 0.0

    def add(self, exact: npt.NDArray[Any], found: npt.NDArray[Any]) -> None:
        """Take the real values of a batch. Raises UserError where the shapes differ."""
        if np.shape(exact) != np.shape(found):
            raise UserError(f"results have shape {np.shape(found)}, and the float model's {np.shape(exact)}")
        signal = np.asarray(exact, np.float64)
        self.signal += float((signal**2).sum())
        self.noise += float(((found - signal) ** 2).sum())

    @property
    def decibels(self) -> float:
        """10 log10(signal / noise): infinite without noise, minus infinite without signal."""
        if not self.noise:
            return np.inf
        return float(10 * np.log10(self.signal / self.noise)) if self.signal else -np.inf
