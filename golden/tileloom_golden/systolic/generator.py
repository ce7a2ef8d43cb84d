"""The array as a functional unit with an address generator: what its commands leave in memory, word for word.

Written from docs/generator.md. Time is left out: a command is done when it is given, and no answer of the
memory is an error.
"""

from collections.abc import MutableMapping
from typing import Any

from .coprocessor import VECTORS, WEIGHTS, WORD, Coprocessor

SETTINGS = ("weights", "vectors", "x_stride", "y_stride", "error")
"""Names of the settings in order of their numbers."""

WIDTHS = {"weights": WORD & ~3, "vectors": 0xFFFF, "x_stride": WORD & ~3, "y_stride": WORD & ~3, "error": 3}
"""The bits that each has."""


class FetchingCoprocessor(Coprocessor):
    """A `Coprocessor` that fetches and stores by itself.

    Parameters
    ----------
    memory:
        Words of 32 bits by their addresses, multiples of 4.
    **array:
        As `Coprocessor` takes them; `double_buffer` must be true.
    """

    def __init__(self, memory: MutableMapping[int, int], **array: Any) -> None:
        super().__init__(**array)
        self.memory = memory
        self.settings = dict.fromkeys(SETTINGS, 0)

    def setting(self, value: int, number: int) -> int:
        """Return a setting, which becomes the value. One that is not there returns 0 and is not set."""
        if number & 7 >= len(SETTINGS):
            return 0
        name = SETTINGS[number & 7]
        before = self.settings[name]
        self.settings[name] = value & WIDTHS[name]
        return before

    def multiply(self, x: int, y: int) -> int:
        """Multiply vectors at `x` by the next tile of weights, and add the results to the sums at `y`.

        With bit 0 of `y` set they are added to +0. With `accumulators` the sums are those that are held, and
        with bit 1 of `y` set what comes is held in turn. Return 0, as the command is taken; or with an error
        set what says so.

        Raises
        ------
        KeyError
            There is no word at an address.
        ValueError
            As `step`.
        """
        if self.settings["error"]:
            return 1 << 29 | self.settings["error"] << 30
        settings, words = self.settings, self.memory
        self.reset(VECTORS | WEIGHTS)
        for _ in range(self.weight_words):
            self.weight(words[settings["weights"]])
            settings["weights"] = settings["weights"] + 4 & WORD
        vectors = settings["vectors"] or 1 << 16
        for vector in range(vectors):
            for index in range(self.steps):
                at = x + vector * settings["x_stride"] + 4 * index & WORD & ~3
                super().step(words[at] if index < self.rows else 0)
            # A vector's results are read at once: no step of the next one may take them.
            for column in range(self.columns):
                at = y + vector * settings["y_stride"] + 4 * column & WORD & ~3
                if not self.accumulators:
                    words[at] = super().read(0 if y & 1 else words[at])
                    continue
                total = super().read(0 if y & 1 else self.sum())
                if y & 2:
                    self.hold(total)
                else:
                    words[at] = total
        return 0
