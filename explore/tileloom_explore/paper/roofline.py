"""The roofline paper beside our model: Fig. 3, its examples of utilisation, and Table I."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import print_json, print_table
from tileloom.cli.options import Strict
from tileloom.errors import UserError
from tileloom.files import claim

from ..roofline import report
from ..roofline.page import page
from ..roofline.picture import draw
from ..roofline.verhelst import FIGURE_3, TABLE_1, spatial_example, temporal_example

UTILISATIONS = (
    ("128 output channels on 256 x 256", "spatial", spatial_example, 0.5),
    ("weights loaded for 256 cycles after every 1,024", "temporal", temporal_example, 0.8),
)
"""Examples of the paper: what, which utilisation, ours, the paper's."""


@click.command("roofline", cls=Strict, short_help="Rooflines: the paper's machine, utilisations, Table I.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw Fig. 3 to this file.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="The same as interactive page.")
@click.option("--force", is_flag=True, help="Overwrite files.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def roofline_command(svg: Path | None, html: Path | None, force: bool, as_json: bool) -> None:
    """Print the rooflines of the paper's machine (Fig. 3), its utilisation examples and its Table I.

    Of designs of your own: tileloom roofline CONFIG.

    \b
    Examples:
      tileloom paper roofline
      tileloom paper roofline --svg figure3.svg --html figure3.html
    """
    outputs = claim({"--svg": svg, "--html": html}, force=force)
    if force and not (svg or html):
        raise UserError("--force: there is no file to write; give --svg or --html")
    machine = FIGURE_3.machine
    mixes = {machine.name: FIGURE_3}
    figures = report.figures([machine], [], [], mixes)
    contents = {}
    if svg:
        contents[svg] = draw([machine], [], mixes)
    if html:
        contents[html] = page(figures)
    outputs.write(contents)
    if as_json:
        print_json({"figure_3": figures["machines"][0], "utilisation": _examples(), "table_1": _held()})
        return
    for sheet in report.sheets([machine], [], [], mixes):
        sheet.show()
    print_table(
        "Utilisation",
        ("what", "which", "ours", "paper"),
        [
            (each["what"], each["which"], f"{each['ours']:.0%}", f"{each['paper']:.0%}")
            for each in _examples()
        ],
    )
    print_table(
        "Table I: weights held for ever, each once or as often as all layers take as long",
        ("network", "Mbit once", "paper", "compute", "paper", "Mbit balanced", "paper", "storage", "paper"),
        [_cells(row) for row in _held()],
    )


def _examples() -> list[dict[str, Any]]:
    return [
        {"what": what, "which": which, "ours": getattr(example(), f"{which}_utilisation"), "paper": paper}
        for what, which, example, paper in UTILISATIONS
    ]


def _held() -> list[dict[str, Any]]:
    rows = []
    for row in TABLE_1:
        held = row.held()
        rows.append(
            {
                "network": row.network,
                "once_mbit": held.once / 1e6,
                "paper_once_mbit": row.once,
                "compute_utilisation": held.compute_utilisation,
                "paper_compute_utilisation": row.compute,
                "balanced_mbit": held.balanced / 1e6,
                "paper_balanced_mbit": row.balanced,
                "storage_utilisation": held.storage_utilisation,
                "paper_storage_utilisation": row.storage,
            }
        )
    return rows


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    def mbit(name: str) -> str:
        return "-" if row[name] is None else f"{row[name]:,.0f}"

    def share(name: str) -> str:
        return f"{row[name]:.2f}"

    return (
        row["network"],
        *(mbit(name) for name in ("once_mbit", "paper_once_mbit")),
        *(share(name) for name in ("compute_utilisation", "paper_compute_utilisation")),
        *(mbit(name) for name in ("balanced_mbit", "paper_balanced_mbit")),
        *(share(name) for name in ("storage_utilisation", "paper_storage_utilisation")),
    )
