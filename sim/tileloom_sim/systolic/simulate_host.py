"""Simulates an array that is a functional unit, on real RTL of its core."""

from __future__ import annotations

from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.families import design_name
from tileloom.systolic.config import SystolicConfig

from .hosts import coprocessor_system
from .stream_program import cycles_per_word, random_stream

INTERRUPTS = 50
"""Random interrupts of a simulation, where no number is given."""


def simulate_host(config: SystolicConfig, *, seed: int, interrupts: int | None = None) -> Result:
    """Multiply random tiles by programs on the array's core, with and without interrupts, and measure cycles.

    Parameters
    ----------
    config:
        An array with a host.
    seed:
        Of tiles, vectors, sums and interrupts.
    interrupts:
        Random interrupts to take in mid-tile, whose handler uses the array too; ``INTERRUPTS`` by default.

    Returns
    -------
    Result
        Cycles of a word by the core's counter, interrupts taken, words compared.

    Raises
    ------
    CheckError
        A word differs from the golden model's, or a program does not end.
    ConfigError
        The array has no core.
    ToolError
        The core or the compiler is not installed, or a tool fails.
    """
    system = coprocessor_system(config)
    core, name = system.core, design_name(config)
    with step(f"Building {core} with {name}"):
        system.build()
    with step("Running a stream of tiles") as shown:

        def progress(cycles: int) -> None:
            shown.show(f"{cycles / 1e6:,.1f} Mcycles")

        plain = random_stream(config, system, seed=seed, progress=progress)
        shown.show("with interrupts")
        count = INTERRUPTS if interrupts is None else interrupts
        interrupted = (
            random_stream(config, system, seed=seed, interrupts=count, progress=progress) if count else None
        )
        shown.show("counting cycles")
        stepping, adding = cycles_per_word(config, system, seed=seed)
    figures = {
        "core": core,
        "seed": seed,
        "cycles_per_word": stepping,
        "cycles_per_word_with_sum": adding,
        "interrupts": interrupted.interrupts if interrupted else 0,
        "words": plain.words + (interrupted.words if interrupted else 0),
    }
    rows = [
        ("cycles a word: load, step, store", f"{stepping:.2f}"),
        ("the same, a partial sum loaded too", f"{adding:.2f}"),
        ("interrupts in mid-tile", f"{figures['interrupts']:,}"),
        ("words compared", f"{figures['words']:,}"),
    ]
    return Result(figures, [Sheet(f"{name} on {core}", (), rows)], [f"seed: {seed}"])
