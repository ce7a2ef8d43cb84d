"""The commands ``tileloom cache show`` and ``tileloom cache clear``."""

from __future__ import annotations

import click

from tileloom.cli.console import print_json, print_table
from tileloom.cli.main import Group

from . import cache


@click.group("cache", cls=Group, short_help="Show or remove the simulator builds that are kept.")
def cache_command() -> None:
    """Show or remove the simulator builds that are kept.

    They are kept by content in ~/.cache/tileloom, or $XDG_CACHE_HOME/tileloom, up to TILELOOM_CACHE_MB
    (2000); the oldest go first.

    \b
    Examples:
      tileloom cache show
      tileloom cache clear
    """


@cache_command.command("show", short_help="List the builds that are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def show_command(as_json: bool) -> None:
    """List the builds that are kept: kind, size, and when each was last used.

    \b
    Examples:
      tileloom cache show
      tileloom cache show --json
    """
    entries = cache.entries()
    total = sum(entry.size for entry in entries)
    if as_json:
        print_json(
            {
                "folder": str(cache.folder()),
                "bytes": total,
                "builds": [
                    {
                        "name": entry.path.name,
                        "kind": entry.kind,
                        "bytes": entry.size,
                        "age_seconds": round(entry.age),
                    }
                    for entry in entries
                ],
            }
        )
        return
    rows = [(entry.path.name, f"{entry.size / 1e6:.1f} MB", f"{entry.age / 3600:.1f} h") for entry in entries]
    rows.append((f"{len(entries)} builds", f"{total / 1e6:.0f} MB", ""))
    print_table(f"Builds in {cache.folder()}", ("build", "size", "last used"), rows)


@cache_command.command("clear", short_help="Remove all builds that are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a line.")
def clear_command(as_json: bool) -> None:
    """Remove all builds that are kept; each is built again when it is needed.

    \b
    Example:
      tileloom cache clear
    """
    removed = cache.clear()
    if as_json:
        print_json({"folder": str(cache.folder()), "bytes": removed})
    else:
        click.echo(f"{cache.folder()}: {removed / 1e6:.0f} MB of simulator builds removed")
