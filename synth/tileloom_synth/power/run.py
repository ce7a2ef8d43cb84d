"""What ``tileloom power`` does for every family: claim the report's file, do the job, write and show it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import (
    force_option,
    input_option,
    json_option,
    output_option,
    prune_option,
    seed_option,
)
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom_sim.layout import MATRIX

from ..options import constraint_options, library_options

ARRAYS = ("weights", "activations")
"""Options that name the user's arrays."""


def common_options(*own: click.Parameter, seed: str = "Replay what is drawn") -> list[click.Parameter]:
    """Return the options of every family: library, clock and constraints, ``own``, and where results go."""
    return [
        *library_options(needed=True),
        *constraint_options(),
        *own,
        seed_option(seed),
        output_option("REPORT.json", "Where to write the report, as --json prints it."),
        force_option(),
        json_option(),
    ]


def data_options(pruned: str, per: str) -> list[click.Parameter]:
    """Return the options of the user's GEMM; what of W is pruned, and what has a scale of its own."""
    return [
        input_option("weights", "W.npy", "Weights of your own GEMM Y = X W."),
        click.Option(
            ["--layout"],
            type=click.Choice(MATRIX),
            help="Of W: KN is K x N, NK is N x K, as PyTorch has it.",
        ),
        input_option("activations", "X.npy", "M x K activations of the GEMM."),
        prune_option(pruned),
        click.Option(
            ["--per"],
            type=click.Choice(["tensor", "column"]),
            help=f"Quantise float weights with one scale, or one for each {per}.  [default: tensor]",
        ),
    ]


def run_job(
    job: Callable[..., Result],
    config: Config,
    *,
    output: Path | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Do ``job`` for a configuration, and write and show what came of it.

    Raises UserError where the file cannot be written or an option changes nothing.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    inputs = [*options["files"], *(options.get(name) for name in ARRAYS)]
    outputs = claim({"-o": output}, inputs=inputs, force=force)
    result = job(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
