"""Simulates an array that is a functional unit, on real RTL of its core."""

from __future__ import annotations

import numpy as np

from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.errors import CheckError
from tileloom.families import design_name
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.systolic.gemm import gemm

from .array_library import run_array
from .hosts import coprocessor_system
from .reference import arithmetic
from .stimulus import float_words
from .stream_program import cycles_per_word, random_stream, random_weights

PRODUCT = 128, 8
"""Vectors and tiles along K of the product by which the C library's cycles are measured."""

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
        library = library_cycles(config, seed=seed) if config.memory_bits or config.accumulators else None
    means, what = (
        ("by_generator", "by the address generator")
        if config.memory_bits
        else ("with_accumulators", "with sums held in the array")
    )
    figures = {
        "core": core,
        "seed": seed,
        "cycles_per_word": stepping,
        "cycles_per_word_with_sum": adding,
        **({f"cycles_per_word_{means}": library} if library else {}),
        "interrupts": interrupted.interrupts if interrupted else 0,
        "words": plain.words + (interrupted.words if interrupted else 0),
    }
    rows = [
        ("cycles a word: load, step, store", f"{stepping:.2f}"),
        ("the same, a partial sum loaded too", f"{adding:.2f}"),
        *([(f"{what}, all of a product", f"{library:.3f}")] if library else []),
        ("interrupts in mid-tile", f"{figures['interrupts']:,}"),
        ("words compared", f"{figures['words']:,}"),
    ]
    return Result(figures, [Sheet(f"{name} on {core}", (), rows)], [f"seed: {seed}"])


def library_cycles(config: SystolicConfig, *, seed: int) -> float:
    """Return the cycles of a word by the C library, of a product of ``PRODUCT`` vectors and tiles.

    By the core's counter, its program's calls, weights, the first words and the last results among them.
    Every word is compared with the golden model. Raises as ``simulate_host``.
    """
    vectors, tiles = PRODUCT
    rng = np.random.default_rng(seed)
    x = float_words(rng, config.activation, (vectors, tiles * config.rows))
    w = random_weights(rng, config, tiles).reshape(-1, config.columns)
    run = run_array(config, x, w, skip_zero_tiles=False)
    wanted = gemm(x, w, rows=config.rows, columns=config.columns, host_adds_tiles=True, **arithmetic(config))
    if (run.results != wanted).any():
        raise CheckError("a product by the C library differs from the golden model's")
    return run.cycles / (vectors * tiles * config.step_interval)
