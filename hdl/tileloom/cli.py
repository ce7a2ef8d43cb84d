"""The command ``tileloom``. Its subcommands come from the entry points ``tileloom.commands``."""

from __future__ import annotations

import importlib.metadata

import click

GROUP = "tileloom.commands"


class Commands(click.Group):
    """The installed packages' commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted(entry.name for entry in importlib.metadata.entry_points(group=GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        found = importlib.metadata.entry_points(group=GROUP, name=cmd_name)
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
      tileloom doctor                                which tools are there
    """
