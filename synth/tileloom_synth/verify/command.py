"""The command ``tileloom verify``: proofs, small layers, what a regression notices, programs, and a soak."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import note, print_json
from tileloom.cli.options import (
    Number,
    Strict,
    Whole,
    complete,
    config_parameters,
    configured,
    json_option,
    seed_option,
)
from tileloom.config import Config
from tileloom.errors import CheckError, UserError
from tileloom.families import family_of
from tileloom_sim.coverage import report as coverage_report
from tileloom_sim.coverage.run import coverage_of, coverage_of_families
from tileloom_sim.soak import soak

from ..mutation.run import again, mutation
from ..mutation.score import ROUNDS
from . import collect, evidence, report
from .plan import proofs_of, proofs_of_presets
from .proof import Outcome, decide
from .solver import TIMEOUT

MINUTES = 5
"""What the proofs take where no CONFIG is given."""

MUTANTS = 200
"""In each part of a design, where the user does not say."""


@click.command(
    "verify", cls=Strict, short_help="Prove designs; small layers; mutants; coverage; programs; soak; report."
)
@click.argument("source", required=False, metavar="[CONFIG]", shell_complete=complete)
@click.option("--formal", is_flag=True, help="Prove arithmetic, streams, arrays and units with a solver.")
@click.option(
    "--exhaustive", is_flag=True, help="Run every layer up to a tile and a pixel on CONFIG's engine."
)
@click.option("--mutate", is_flag=True, help="Put faults into CONFIG's Verilog; run its regression on each.")
@click.option("--coverage", is_flag=True, help="Count what the regression reaches: bins, lines, toggles.")
@click.option(
    "--programs",
    type=Whole(1, 1_000_000),
    metavar="COUNT",
    help="Run random RISC-V programs on the core that CONFIG's unit is in.",
)
@click.option(
    "--soak",
    "minutes",
    type=Number(0, 1e5, above=True),
    metavar="MINUTES",
    help="Draw designs of all families, and simulate them with random data, for so long.",
)
@click.option(
    "--collect",
    "kept",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Make the runs of docs/evidence.md that FOLDER does not have yet, and keep each there as JSON.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Print as Markdown what such runs have shown, kept in FOLDER as they print it with --json.",
)
@click.option(
    "--timeout",
    type=Number(0, 1e6, above=True),
    metavar="SECONDS",
    help=f"Of --formal and --mutate: for each proof.  [default: {TIMEOUT}]",
)
@click.option(
    "--mutants",
    type=Whole(1, 10_000),
    metavar="N",
    help=f"Of --mutate: faults in each part of the design.  [default: {MUTANTS}]",
)
@click.option(
    "--part", "only", multiple=True, metavar="NAME", help="Of --mutate: this part only; may be repeated."
)
@click.option(
    "--rounds",
    type=Whole(0, 100),
    metavar="N",
    help=f"Of --mutate: regressions that a survivor passes; 0 for proofs alone.  [default: {ROUNDS}]",
)
@click.option(
    "--again",
    "judged",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Of --mutate: only the survivors that FILE has, printed with --json; the others count as there.",
)
def verify_command(
    source: str | None,
    overrides: Sequence[str],
    formal: bool,
    exhaustive: bool,
    mutate: bool,
    coverage: bool,
    programs: int | None,
    minutes: float | None,
    kept: Path | None,
    folder: Path | None,
    timeout: float | None,
    mutants: int | None,
    only: Sequence[str],
    rounds: int | None,
    judged: Path | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Prove designs, say what a regression notices and reaches, run random programs, or soak.

    CONFIG is a preset's name or a TOML file. With --formal and without CONFIG all presets are proved, and
    what can be proved is listed. Yosys turns the netlist into SMT-LIB, Bitwuzla decides. Needs
    pip install 'tileloom[verify]', and of xfu-cv32e40p 'tileloom[xfu]'. Seconds are of processor time.

    With --exhaustive CONFIG's engine runs every layer of a few rows, up to a tile and a pixel, a block and a
    channel, each where nothing waits and where everything does: none may stand still or be wrong.

    With --mutate Yosys puts faults into CONFIG's Verilog, one at a time: a bit inverted, stuck, or inverted
    now and then. A fault that neither the regression of tileloom simulate nor a proof notices is proved to
    change nothing, or listed. It takes one or two seconds a fault.

    With --coverage the regression runs with Verilator's line and toggle coverage, and with bins for the
    cases that its data, waits, resets and errors should have; several seeds are merged. Without CONFIG it is
    that of designs of every family.

    With --programs the core that CONFIG's xDecimate unit is in runs random programs, with wait states and
    interrupts: every instruction must do what Unicorn, the golden model and, of CORE-V, the manual say, and
    take as many cycles as without the unit. Needs pip install 'tileloom[verify,xfu]'.

    With --soak designs of all families are drawn, with their data, stalls, resets and errors, and run as
    tileloom simulate runs them. What fails is shrunk, and told as the command line that replays it.

    With --collect all of it runs, some hours; it says how many, and goes on where it was ended. --report
    makes Markdown of what was kept.

    \b
    Examples:
      tileloom verify stream-8x8-fp16 --formal
      tileloom verify stream-8x8-int8 --formal --set rounding=nearest-even --set add_stages=3
      tileloom verify --formal --json
      tileloom verify engine-int8 --exhaustive --set m=2 --set k=3 --set n=2
      tileloom verify stream-8x8-int8 --mutate --set rows=2 --set columns=3 --mutants 20
      tileloom verify engine-int8-axi4 --mutate --part "AXI4 master" --mutants 20
      tileloom verify xfu-unit --mutate --again found.json
      tileloom verify stream-8x8-int8 --coverage --set rows=2 --set columns=3 --seed 1
      tileloom verify xfu-cv32e40p --programs 100
      tileloom verify --soak 120 --seed 1
      tileloom verify --collect evidence
      tileloom verify --report evidence

    Exit status: 0 all is proved, 98 % of the mutants are noticed, all bins are hit and all lines reached or
    explained, or all runs pass; 1 there is a counterexample, no answer in time, fewer are noticed or reached,
    or a run or program fails; 2 wrong input.
    """
    given = (programs, minutes, kept, folder)
    if sum((formal, exhaustive, mutate, coverage, *(each is not None for each in given))) != 1:
        raise UserError(
            "verify: say what is to be done: --formal, --exhaustive, --mutate, --coverage, "
            "--programs COUNT, --soak MINUTES, --collect FOLDER, --report FOLDER"
        )
    if source is None and overrides:
        raise UserError("--set: there is no CONFIG that it could change")
    if timeout is not None and not (formal or mutate):
        raise UserError("--timeout: is of --formal and --mutate")
    if mutants is not None and not mutate:
        raise UserError("--mutants: is of --mutate")
    if only and not mutate:
        raise UserError("--part: is of --mutate")
    if rounds is not None and not mutate:
        raise UserError("--rounds: is of --mutate")
    if judged is not None and (not mutate or only or mutants is not None):
        raise UserError("--again: is of --mutate; FILE says how many in which parts")
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    limit = TIMEOUT if timeout is None else timeout
    if minutes is not None:
        if source is not None:
            raise UserError(f"{source}: --soak draws designs of all families; it takes no CONFIG")
        soaked = soak(minutes, chosen)
        _show(soaked, as_json=as_json)
        soaked.require()
        return
    if mutate:
        config = _given(source, overrides, "--mutate: give the CONFIG whose regression is judged")
        trials = ROUNDS if rounds is None else rounds
        if judged is None:
            count = MUTANTS if mutants is None else mutants
            found = mutation(config, count, chosen, only, trials, limit)
        else:
            found = again(config, judged, trials, limit)
        _tell(found, as_json=as_json)
        return
    if exhaustive:
        config = _given(source, overrides, "--exhaustive: give the CONFIG of an engine")
        whom = "--exhaustive is for an engine; what arrays and units do --formal proves"
        room = _room(config, source, "exhaustive", whom)
        _tell(room.exhaustive(config, chosen), as_json=as_json)
        return
    if programs is not None:
        config = _given(source, overrides, "--programs: give the CONFIG whose core is to run them")
        whom = "--programs is for a unit in a RISC-V core, such as xfu-cv32e40p"
        room = _room(config, source, "torture", whom)
        _tell(room.torture(config, programs, chosen), as_json=as_json)
        return
    if coverage:
        covered = (
            coverage_of_families(chosen)
            if source is None
            else coverage_of(configured(source, overrides), chosen)
        )
        if as_json:
            print_json(coverage_report.figures(covered))
        else:
            for sheet in coverage_report.sheets(covered):
                sheet.show()
        _require(covered)
        return
    context = click.get_current_context()
    if seed is not None and context.get_parameter_source("seed") is click.core.ParameterSource.COMMANDLINE:
        raise UserError(
            "--seed: is of --exhaustive, --mutate, --coverage, --programs and --soak; nothing else is drawn"
        )
    if kept is not None:
        if source is not None or as_json:
            raise UserError("--collect: takes no CONFIG, and keeps JSON in the folder")
        collect.plan(kept).show()
        collect.collect(kept)
        return
    if folder is not None:
        if source is not None or as_json:
            raise UserError("--report: takes no CONFIG, and prints Markdown; the folder has the JSON")
        click.echo(evidence.report(evidence.read_evidence(folder)))
        return
    if timeout is None:
        note(f"Each proof has {TIMEOUT} s; --timeout sets it.")
    _prove(source, overrides, limit, as_json=as_json)


def _prove(source: str | None, overrides: Sequence[str], timeout: float, *, as_json: bool) -> None:
    """Prove what a configuration calls for, or all presets do; raise CheckError for the first that fails."""
    if source is None:
        planned = proofs_of_presets()
        note(f"{len(planned)} proofs, about {MINUTES} minutes.")
    else:
        planned = [(proof, [source]) for proof in proofs_of(configured(source, overrides))]
    outcomes: list[tuple[Outcome, list[str]]] = []
    for proof, used in planned:
        outcomes.append((decide(proof, timeout=timeout), used))
    if as_json:
        print_json([report.figures(outcome, used) for outcome, used in outcomes])
    else:
        report.sheet(outcomes, of_presets=source is None).show()
        if source is None:
            report.scope().show()
    for outcome, _ in outcomes:
        if outcome.proved is not True:
            raise CheckError(report.failure(outcome))


def _given(source: str | None, overrides: Sequence[str], missing: str) -> Config:
    """Return the configuration; raise UserError that says what is ``missing`` where there is none."""
    if source is None:
        raise UserError(missing)
    return configured(source, overrides)


def _room(config: Config, source: str | None, name: str, whom: str) -> Any:
    """Return a room of the configuration's family in ``sim``; raise UserError where there is none."""
    family = family_of(config)
    if not family.has_room("tileloom_sim", name):
        raise UserError(f"{source}: {whom}")
    return family.room("tileloom_sim", name)


def _show(found: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
    else:
        for sheet in found.sheets():
            sheet.show()


def _tell(found: Any, *, as_json: bool) -> None:
    _show(found, as_json=as_json)
    _require(found)


def _require(found: Any) -> None:
    """Tell the seed; raise CheckError where what came of it is not enough."""
    note(f"Seed {found.seed}; --seed replays it.")
    found.require()


verify_command.params = [
    verify_command.params[0],
    config_parameters()[1],
    *verify_command.params[1:],
    seed_option("Of --exhaustive, --mutate, --coverage, --programs and --soak: replay what is drawn"),
    json_option(),
]
