"""What came of a simulation, for programs and for people; the same for every family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tileloom.cli.console import Sheet, note, print_json


@dataclass(frozen=True)
class Result:
    """A simulation in which every word that came out was equal to the golden model's.

    Attributes
    ----------
    figures:
        Plain values by name, as ``tileloom simulate --json`` prints them.
    sheets:
        The same as tables for people.
    values:
        The result of the user's own data, or None where random data was run.
    """

    figures: Mapping[str, Any]
    sheets: Sequence[Sheet]
    values: npt.NDArray[Any] | None = None

    def show(self, files: Mapping[str, Path | None], *, as_json: bool) -> None:
        """Print the tables, or the figures as JSON, and the files that were written, by what they hold."""
        written = {what: str(path) for what, path in files.items() if path is not None}
        if as_json:
            print_json({**self.figures, "files": written})
            return
        for sheet in self.sheets:
            sheet.show()
        for what, path in written.items():
            note(f"{what}: {path}")
