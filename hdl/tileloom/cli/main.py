"""The command ``tileloom``. Its subcommands come from the entry points ``tileloom.commands``."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import click

from ..errors import TileloomError, UserError

GROUP = "tileloom.commands"


class _Mistake(click.ClickException):
    """A user's mistake as click tells it: one line, and the exit status of wrong options."""

    exit_code = UserError.exit_status


class Commands(click.Group):
    """The installed packages' commands, those of one group of entry points, each imported when asked for."""

    def __init__(self, *arguments: Any, entry_points: str = GROUP, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.entry_points = entry_points

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that a user is to be told becomes one line and an exit status."""
        try:
            return super().invoke(ctx)
        except TileloomError as error:
            told = _Mistake if isinstance(error, UserError) else click.ClickException
            raise told(str(error)) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted(entry.name for entry in importlib.metadata.entry_points(group=self.entry_points))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        found = importlib.metadata.entry_points(group=self.entry_points, name=cmd_name)
        return next((entry.load() for entry in found), None)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tileloom")
def main() -> None:
    """Generate, simulate and synthesise the matrix hardware of sparse edge inference.

    \b
    Examples:
      tileloom generate stream-8x8-int8 -o build     Verilog and a manifest
      tileloom simulate stream-8x8-int8              random regression, bit for bit
      tileloom synth stream-8x8-int8                 area, by class of instance
      tileloom engine simulate engine-int8           the block-sparse tile engine
      tileloom doctor                                which tools are there
    """
