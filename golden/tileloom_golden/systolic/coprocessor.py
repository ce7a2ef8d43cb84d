"""The array as a functional unit of a processor: what each of its instructions returns, word for word.

Written from docs/coprocessor.md. Time is left out: whatever an instruction must wait for has come.
"""

from collections import deque

import numpy as np

from ..arithmetic import add, check_product
from ..checks import Words, check_positive
from ..formats import Float, Integer, Rounding
from .gemm import tile_result
from .packing import unpack_weights, words_per_row

WORD = (1 << 32) - 1
VECTORS, WEIGHTS, SUMS = 1, 2, 4
"""Bits of what `Coprocessor.reset` forgets."""


class Coprocessor:
    """An R x C array, and an instruction for each word that goes in or out.

    Parameters
    ----------
    rows:
        R.
    columns:
        C.
    activation_format:
        Of activations.
    weight_format:
        Of weights.
    accumulator_format:
        Of partial sums and results.
    rounding:
        Of every product and every sum.
    double_buffer:
        Whether the next tile's weights are kept apart until a vector takes them up.
    accumulators:
        Sums that it can hold, for `first`, `next`, `last`, `sum`, `hold` and `held`.

    Raises
    ------
    ValueError
        A size that is not positive, `accumulators` that is negative, or formats whose product is too wide.
    """

    def __init__(
        self,
        *,
        rows: int,
        columns: int,
        activation_format: Float,
        weight_format: Float | Integer,
        accumulator_format: Float,
        rounding: Rounding | str,
        double_buffer: bool,
        accumulators: int = 0,
    ) -> None:
        check_positive(rows, "rows")
        check_positive(columns, "columns")
        check_product(activation_format, weight_format)
        self.rows, self.columns = rows, columns
        self.activation_format = activation_format
        self.weight_format = weight_format
        self.accumulator_format = accumulator_format
        self.rounding = Rounding(rounding)
        self.double_buffer = double_buffer
        if accumulators < 0:
            raise ValueError(f"accumulators: must be 0 or more, not {accumulators}")
        self.accumulators = accumulators
        self._sums: deque[int] = deque()
        self.steps = max(rows, columns)
        self.weight_words = rows * words_per_row(columns, weight_format.width)
        self._given: list[int] = []  # the steps of the vector begun
        self._results: deque[int] = deque()
        # The tile in use, and the one that is being loaded: words, None where none was written since the
        # start.
        self._tile: list[int | None] = [None] * self.weight_words
        self._next: list[int | None] = [None] * self.weight_words
        self._loaded = 0
        self._complete = False

    def step(self, activation: int, partial_sum: int = 0) -> int:
        """Give the next activation of a vector; return a partial sum plus the oldest result, if enough wait.

        That is if there are more results than one vector has; else the partial sum is returned plus +0. Of a
        vector's steps those beyond `rows` have no activation.

        Raises
        ------
        ValueError
            A word is NaN or does not fit, an activation is infinite, or the vector finds no tile of weights.
        """
        return self._add(partial_sum, self._give(activation) or 0)

    def first(self, activation: int) -> None:
        """Give the next activation; hold +0 plus the result that `step` would take, if there is one."""
        result = self._give(activation)
        if result is not None:
            self.hold(self._add(0, result))

    def next(self, activation: int) -> None:
        """Give the next activation; hold the oldest sum plus that result, if there is one.

        A sum is taken only with a result; where none is held it is +0.
        """
        result = self._give(activation)
        if result is not None:
            self.hold(self._add(self.sum(), result))

    def last(self, activation: int) -> int:
        """Give the next activation; return the oldest sum plus that result, or +0 where there is none."""
        result = self._give(activation)
        return 0 if result is None else self._add(self.sum(), result)

    def sum(self) -> int:
        """Return the oldest sum, which is held no longer, or 0 where none is."""
        return self._sums.popleft() if self._sums else 0

    def hold(self, word: int) -> None:
        """Hold a word as a sum, behind the others, if there is room."""
        if len(self._sums) < self.accumulators:
            self._sums.append(word & self._mask(self.accumulator_format))

    def held(self) -> int:
        """Return how many sums are held."""
        return len(self._sums)

    def _give(self, activation: int) -> int | None:
        """Give the next activation of a vector; return the oldest result, if more wait than of one vector."""
        result = self._results.popleft() if len(self._results) > self.columns else None
        self._given.append(activation & self._mask(self.activation_format))
        if len(self._given) == self.steps:
            if self._complete:
                self._tile, self._complete = self._next, False
                self._next = list(self._tile)
            vector = np.array([self._given[: self.rows]], np.uint64)
            out = tile_result(
                vector,
                self._weights(),
                activation_format=self.activation_format,
                weight_format=self.weight_format,
                accumulator_format=self.accumulator_format,
                rounding=self.rounding,
            )
            self._results.extend(int(word) for word in out[0])
            self._given = []
        return result

    def read(self, partial_sum: int = 0) -> int:
        """Return a partial sum plus the oldest result, or plus +0 where there is none."""
        return self._add(partial_sum, self._results.popleft() if self._results else 0)

    def weight(self, word: int) -> None:
        """Write the next word of a tile of weights, in the order of `packing.pack_weights`."""
        (self._next if self.double_buffer else self._tile)[self._loaded] = word & WORD
        self._loaded = (self._loaded + 1) % self.weight_words
        self._complete = self.double_buffer and self._loaded == 0

    def status(self) -> int:
        """Return counts: results, steps and words of weights begun; and whether a tile is complete."""
        return len(self._results) | len(self._given) << 8 | self._loaded << 16 | self._complete << 28

    def reset(self, what: int) -> None:
        """Forget the vector begun and all results (VECTORS), the tile begun (WEIGHTS), sums (SUMS)."""
        if what & VECTORS:
            self._given = []
            self._results.clear()
        if what & WEIGHTS:
            self._loaded, self._complete = 0, False
        if what & SUMS:
            self._sums.clear()

    def activation(self, index: int) -> int:
        """Return an activation of the vector begun. Raises IndexError where there is none."""
        return self._given[: self.rows][index]

    def result(self, word: int) -> None:
        """Put a word behind the results, if there is room.

        There is for those of two vectors, less what the vector begun will not have taken when its own come.
        """
        left = self.steps - len(self._given)
        if len(self._results) < self.columns + min(self.columns, left):
            self._results.append(word & self._mask(self.accumulator_format))

    def _add(self, partial_sum: int, result: int) -> int:
        word = partial_sum & self._mask(self.accumulator_format)
        return int(add(word, result, self.accumulator_format, self.rounding))

    def _weights(self) -> Words:
        words = [word for word in self._tile if word is not None]
        if len(words) < self.weight_words:
            raise ValueError(
                f"the vector finds {len(words)} of a tile's {self.weight_words} words of weights"
            )
        per_word = 32 // self.weight_format.width
        unused = 32 - per_word * self.weight_format.width
        return unpack_weights(
            [word >> unused << unused for word in words], self.rows, self.columns, self.weight_format.width
        )

    @staticmethod
    def _mask(format: Float) -> int:
        return (1 << format.width) - 1
