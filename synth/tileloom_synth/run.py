"""What ``tileloom synth`` does for every family: claim files, do the job, write and show what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import force_option, json_option
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.files import claim

from .fpga.boards import BOARDS
from .fpga.synthesise import file_names as fpga_file_names
from .fpga.synthesise import synthesise as synthesise_for_fpga
from .handoff.flows import FLOWS
from .handoff.result import Synthesis, check_hand_off, file_names
from .options import choose_library, constraint_options, library_options


def common_options() -> list[click.Parameter]:
    """Return the options of every family: library, clock and constraints, and where results go."""
    return [
        *library_options(),
        *constraint_options(),
        click.Option(
            ["--fpga"],
            metavar="BOARD",
            help="Map to this board's FPGA in place of cells, place and route: "
            f"{', '.join(BOARDS)}. With -o the netlist and the report.",
        ),
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
    config: Config,
    name: str,
    *,
    fpga: str | None = None,
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
    job, config, options:
        A family's synthesis, the configuration, and what else it is called with.
    name:
        Of the design, and of the files.
    fpga, output, flow, force, as_json:
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
    if fpga is not None:
        _run_on_fpga(config, name, fpga, output, {"hand_off": flow, **options}, force=force, as_json=as_json)
        return
    if flow is not None:
        if not netlist:
            raise UserError("--hand-off: a host core is mapped for its area alone, and leaves no netlist")
        check_hand_off(flow, choose_library(options["files"], options["kit"]), options["clock_ps"])
    names = file_names(
        name, netlist=netlist, clock=options["clock_ps"] is not None, memories=memories, flow=flow
    )
    claimed = {f"-o, {file}": output / file for file in names} if output is not None else {}
    outputs = claim(claimed, inputs=options["files"], force=force, make_folders=True)
    result = job(config, **options)
    if output is not None:
        outputs.write(result.files(output, flow))
    result.show({"folder": output}, as_json=as_json)


def _run_on_fpga(
    config: Config,
    name: str,
    fpga: str,
    output: Path | None,
    options: dict[str, Any],
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Map ``config`` to a board's FPGA, write and show what came of it. Raises UserError as ``run_job``."""
    taken = {option: options.pop(option) for option in ("clock_ps", "check", "seed") if option in options}
    for option, given in options.items():
        if given:
            shown = {"files": "liberty", "kit": "pdk"}.get(option, option.replace("_", "-"))
            raise UserError(f"--{shown}: is for a library of cells; an FPGA has its own")
    files = [output / file for file in fpga_file_names(name)] if output is not None else []
    outputs = claim({f"-o, {file.name}": file for file in files}, force=force, make_folders=True)
    result = synthesise_for_fpga(config, fpga=fpga, **taken)
    if output is not None:
        outputs.write(result.files(output))
    result.show({"folder": output}, as_json=as_json)
