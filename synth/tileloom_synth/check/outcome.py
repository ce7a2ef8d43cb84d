"""What a check of a netlist found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError


@dataclass
class Comparison:
    """Words of a netlist held to those expected, as they come.

    Attributes
    ----------
    what, of:
        The part of the design; what a vector of it is.
    vectors, words, wrong:
        Vectors that went in, words compared, and words that differed.
    first:
        The first difference, or nothing.
    """

    what: str
    of: str
    vectors: int = 0
    words: int = 0
    wrong: int = 0
    first: str = ""
    seconds: float = field(default=0.0, compare=False)

    def compare(
        self,
        got: npt.NDArray[Any],
        expected: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None = None,
        *,
        where: str = "",
    ) -> None:
        """Compare words, only those where ``valid`` is true; ``where`` tells the first difference's place."""
        chosen = np.ones(got.shape, np.bool_) if valid is None else np.broadcast_to(valid, got.shape)
        differ = (got != expected) & chosen
        self.words += int(chosen.sum())
        self.wrong += int(differ.sum())
        if differ.any() and not self.first:
            index = tuple(int(i) for i in np.argwhere(differ)[0])
            self.first = f"{where}{list(index)}: {int(got[index]):#x}, not {int(expected[index]):#x}"

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)

    def require(self) -> None:
        """Raise CheckError where something differed, or nothing was compared."""
        if not self.words:
            raise CheckError(f"{self.what}: nothing was compared")
        if self.wrong:
            raise CheckError(
                f"{self.what}: {self.wrong:,} of {self.words:,} words of the netlist are not the golden "
                f"model's; the first: {self.first}"
            )
