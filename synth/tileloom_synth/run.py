"""What ``tileloom synth`` does for every family: claim files, do the job, write and show what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import force_option, json_option
from tileloom.errors import UserError
from tileloom.files import claim

from .handoff.flows import FLOWS
from .handoff.result import Synthesis, check_hand_off, file_names
from .options import choose_library, constraint_options, library_options


def common_options() -> list[click.Parameter]:
    """Return the options of every family: library, clock and constraints, and where results go."""
    return [
        *library_options(),
        *constraint_options(),
        click.Option(
            ["-o", "--output"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder for netlist, SDC, report and file list; made if it is not there.",
        ),
        click.Option(
            ["--hand-off", "flow"],
            type=click.Choice(list(FLOWS)),
            help="With -o and --clock: configure this flow for place and route, too. OpenROAD is "
            "OpenROAD-flow-scripts.",
        ),
        force_option(),
        json_option(),
    ]


def run_job(
    job: Callable[..., Synthesis],
    name: str,
    *,
    output: Path | None,
    flow: str | None,
    force: bool,
    as_json: bool,
    netlist: bool = True,
    memories: bool = False,
    **options: Any,
) -> None:
    """Do ``job`` and write and show what came of it.

    Parameters
    ----------
    job, options:
        A family's synthesis of a configuration, and what it is called with.
    name:
        Of the design, and of the files.
    output, flow, force, as_json:
        Of the command line.
    netlist, memories:
        Whether the job leaves a netlist, and models of memories.

    Raises UserError where files cannot be written or an option changes nothing.
    """
    if output is None:
        for option, given in (("--force", force), ("--hand-off", flow)):
            if given:
                reason = "there is nothing to overwrite; it" if option == "--force" else "writes a file; it"
                raise UserError(f"{option}: {reason} goes with -o")
    if flow is not None:
        if not netlist:
            raise UserError("--hand-off: a host core is mapped for its area alone, and leaves no netlist")
        check_hand_off(flow, choose_library(options["files"], options["kit"]), options["clock_ps"])
    names = file_names(
        name, netlist=netlist, clock=options["clock_ps"] is not None, memories=memories, flow=flow
    )
    claimed = {f"-o, {file}": output / file for file in names} if output is not None else {}
    outputs = claim(claimed, inputs=options["files"], force=force, make_folders=True)
    result = job(**options)
    if output is not None:
        outputs.write(result.files(output, flow))
    result.show({"folder": output}, as_json=as_json)
