"""Line and toggle coverage of the simulations in a block: how they are built, and where their counts go.

While a block of ``collecting`` runs, every simulator is built with Verilator's coverage, as a build of its
own in the cache, and writes its counts when it ends. Elsewhere nothing is different.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tileloom import scratch

OPTIONS = ("--coverage-line", "--coverage-toggle")
"""Of Verilator. Both decide what is in its runtime library."""

VARIABLE = "TILELOOM_COVERAGE"
"""Names the file that a compiled harness writes its counts to."""


class Collection:
    """The counts that runs have left in a folder, one file a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def next(self) -> Path:
        """Return where the next run writes."""
        return self._folder / f"{next(self._numbers)}.dat"

    def files(self) -> list[Path]:
        """Return what runs have written so far."""
        return sorted(self._folder.glob("*.dat"))


_current: Collection | None = None


def current() -> Collection | None:
    """Return where runs leave their counts; None where no coverage is asked for."""
    return _current


def options() -> list[str]:
    """Return Verilator's options for the builds of now."""
    return [] if _current is None else list(OPTIONS)


@contextmanager
def collecting() -> Iterator[Collection]:
    """Build and run with coverage in the block, in all threads of this process."""
    global _current
    before = _current
    with scratch.folder() as folder:
        _current = Collection(folder)
        try:
            yield _current
        finally:
            _current = before
