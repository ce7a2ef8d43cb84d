"""A product on a board, of whichever family the block on it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.families import families

from .port import OpenBoard


def multiply(board: OpenBoard, **options: Any) -> Result:
    """Multiply on a board that was opened; options and errors as the family's ``board.multiply`` has them.

    Options that are None are not given. Raises UserError for one that the family has none of.
    """
    family = families()[board.board.family]
    config = family.load(board.board.config, f"--port {board.port}")
    run: Callable[..., Result] = family.room("tileloom_sim", "board").multiply
    given = {name: value for name, value in options.items() if value is not None}
    for name in given.keys() - inspect.signature(run).parameters.keys():
        raise UserError(f"--{name.replace('_', '-')}: the {family.title} on this board has none")
    return run(board, config, **given)
