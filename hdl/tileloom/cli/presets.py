"""The command ``tileloom presets``."""

from __future__ import annotations

import json
from typing import Any

import click

from ..config import did_you_mean, to_plain
from ..errors import UserError
from ..families import families, preset, presets
from .console import print_json, print_table


@click.command("presets", short_help="List the ready-made configurations, or show one as TOML.")
@click.argument(
    "name", required=False, shell_complete=lambda c, p, text: [n for n in presets() if n.startswith(text)]
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables or TOML.")
def presets_command(name: str | None, as_json: bool) -> None:
    """List every preset with its family; with NAME, print that one as a TOML file to start from.

    \b
    Examples:
      tileloom presets
      tileloom presets engine-int8 > my_engine.toml
    """
    if name is None:
        _list(as_json)
        return
    if name not in presets():
        raise UserError(f"{name}: no such preset{did_you_mean(name, presets(), 'presets')}")
    fields: dict[str, Any] = {"family": presets()[name].name, **to_plain(preset(name))}
    if as_json:
        print_json(fields)
    else:
        click.echo("".join(f"{field} = {json.dumps(value)}\n" for field, value in fields.items()), nl=False)


def _list(as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "family": family.name,
                    "summary": family.presets[name].summary,
                    "config": to_plain(preset(name)),
                }
                for name, family in presets().items()
            ]
        )
        return
    for family in families().values():
        rows = [(name, one.summary) for name, one in family.presets.items()]
        print_table(f"{family.name}: {family.title}", (), rows, text=True)
