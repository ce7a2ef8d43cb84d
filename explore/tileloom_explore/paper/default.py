"""Groups of a paper's figures, of which one is meant where no figure is named."""

from __future__ import annotations

from typing import Any

import click

from tileloom.cli.main import Group


class WithDefault(Group):
    """Commands of which ``default`` is meant where options come first."""

    def __init__(self, *args: Any, default: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default before options, but for those that ask for help."""
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = [self.default, *args]
        return super().parse_args(ctx, args)
