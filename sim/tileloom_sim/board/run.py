"""A product on a board, of whichever family the block on it is."""

from __future__ import annotations

from typing import Any

from tileloom.cli.result import Result
from tileloom.families import families

from .port import OpenBoard


def multiply(board: OpenBoard, **options: Any) -> Result:
    """Multiply on a board that was opened; options and errors as the family's ``board.multiply`` has them."""
    family = families()[board.board.family]
    config = family.load(board.board.config, f"--port {board.port}")
    result: Result = family.room("tileloom_sim", "board").multiply(board, config, **options)
    return result
