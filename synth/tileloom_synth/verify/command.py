"""The command ``tileloom verify``: what is proved about a design, for every operand."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tileloom.cli.console import note, print_json
from tileloom.cli.options import Number, Strict, complete, config_parameters, configured, json_option
from tileloom.errors import CheckError, UserError

from . import report
from .plan import proofs_of, proofs_of_presets
from .proof import Outcome, decide

TIMEOUT = 600
"""Seconds that a proof may take, where the user does not say."""


@click.command("verify", cls=Strict, short_help="Prove arithmetic against its specification.")
@click.argument("source", required=False, metavar="[CONFIG]", shell_complete=complete)
@click.option("--formal", is_flag=True, help="Prove the arithmetic, every operand, with a solver.")
@click.option(
    "--timeout",
    type=Number(0, 1e6, above=True),
    metavar="SECONDS",
    help=f"For each proof.  [default: {TIMEOUT}]",
)
def verify_command(
    source: str | None, overrides: Sequence[str], formal: bool, timeout: float | None, as_json: bool
) -> None:
    """Prove that the multipliers and adders of a design are those of the specification, every operand.

    CONFIG is a preset's name or a TOML file; without it the arithmetic of all presets is proved, and what can
    be proved is listed. Yosys turns the netlist into SMT-LIB, Bitwuzla decides. Needs
    pip install 'tileloom[verify]'. Seconds are of processor time.

    \b
    Examples:
      tileloom verify stream-8x8-fp16 --formal
      tileloom verify stream-8x8-int8 --formal --set rounding=nearest-even --set add_stages=3
      tileloom verify --formal --json

    Exit status: 0 all is proved; 1 there is a counterexample, or no answer in time; 2 wrong input.
    """
    if not formal:
        raise UserError("verify: say what is to be done: --formal")
    if source is None and overrides:
        raise UserError("--set: there is no CONFIG that it could change")
    if source is None:
        planned = proofs_of_presets()
    else:
        planned = [(proof, [source]) for proof in proofs_of(configured(source, overrides), source)]
    outcomes: list[tuple[Outcome, list[str]]] = []
    for proof, used in planned:
        outcomes.append((decide(proof, timeout=TIMEOUT if timeout is None else timeout), used))
    if as_json:
        print_json([report.figures(outcome, used) for outcome, used in outcomes])
    else:
        report.sheet(outcomes, of_presets=source is None).show()
        if source is None:
            report.scope().show()
    if timeout is None:
        note(f"Each proof had {TIMEOUT} s; --timeout sets it.")
    for outcome, _ in outcomes:
        if outcome.proved is not True:
            raise CheckError(report.failure(outcome))


verify_command.params = [
    verify_command.params[0],
    config_parameters()[1],
    *verify_command.params[1:],
    json_option(),
]
