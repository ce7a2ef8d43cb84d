"""Where the specifications of others' designs are, which the tables of Sparseloop estimate."""

from __future__ import annotations

from pathlib import Path

from tileloom.errors import ToolError


def folder() -> Path:
    """Return where the specifications are: in the installed package, or in the clone that it runs from.

    Raises ToolError where they are in neither.
    """
    here = Path(__file__).parent
    for place in (here / "specifications", here.parents[2] / "examples" / "sparseloop"):
        if place.is_dir():
            return place
    raise ToolError(
        "the specifications of examples/sparseloop are not installed; run in a clone of the repository"
    )
