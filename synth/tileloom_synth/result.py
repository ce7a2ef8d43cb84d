"""What came of a synthesis, for programs and for people; the same for every family."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileloom.cli.console import Sheet, note, print_json
from tileloom.files import Outputs


@dataclass(frozen=True)
class Result:
    """A design mapped to cells.

    Attributes
    ----------
    figures:
        Plain values by name, as ``tileloom synth --json`` prints them.
    sheets:
        The same as tables for people.
    remarks:
        Lines about how it was mapped, and what was left out.
    """

    figures: Mapping[str, Any]
    sheets: Sequence[Sheet]
    remarks: Sequence[str] = ()

    def show(self, outputs: Outputs, output: Path | None, *, as_json: bool) -> None:
        """Print the tables, or the figures as JSON, and write these to ``output``, if given."""
        if output is not None:
            outputs.write({output: json.dumps(self.figures, indent=2) + "\n"})
        if as_json:
            print_json(self.figures)
            return
        for sheet in self.sheets:
            sheet.show()
        for remark in self.remarks:
            note(remark)
