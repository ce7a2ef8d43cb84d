"""What came of a simulation or a synthesis, for programs and for people; the same for every family."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .console import Sheet, note, print_json


@dataclass(frozen=True)
class Result:
    """The outcome of a job.

    Attributes
    ----------
    figures:
        Plain values by name, as ``--json`` prints them.
    sheets:
        The same as tables for people.
    remarks:
        Lines about how it was done.
    values:
        The numbers that a simulation gave for the user's own data, an array, or None.
    """

    figures: Mapping[str, Any]
    sheets: Sequence[Sheet]
    remarks: Sequence[str] = ()
    values: Any = None

    @property
    def json(self) -> str:
        """The figures as the text of a JSON file."""
        return json.dumps(self.figures, indent=2) + "\n"

    def show(self, files: Mapping[str, Path | None], *, as_json: bool) -> None:
        """Print the tables, or the figures as JSON, and the files that were written, by what they hold."""
        written = {what: str(path) for what, path in files.items() if path is not None}
        if as_json:
            print_json({**self.figures, "files": written} if written else self.figures)
            return
        for sheet in self.sheets:
            sheet.show()
        for remark in self.remarks:
            note(remark)
        for what, path in written.items():
            note(f"{what}: {path}")
