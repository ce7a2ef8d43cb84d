"""The tables of ``tileloom paper sasp table3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tileloom.cli.console import note, print_table
from tileloom_synth.power.memory import SOURCE
from tileloom_synth.power.report import BOUNDS

from . import published
from .area import PAPER_UM2
from .encoder import GENERATOR_BITS, HELD_VECTORS, SASP, SOFTWARE, Means
from .energy import KEYS, Arrays, HostCore, memory_energy
from .run_time import Run, software

OVER = tuple(f"over {each}" for each in SOFTWARE)


def print_speed(runs: Sequence[Run]) -> None:
    """Print run time and speed-ups with all tiles there."""
    cells = [
        (
            _name(run),
            f"{run.array.cycles / 1e6:,.0f}",
            f"{run.array.cycles / SASP.macs:.3f}",
            *(f"{software(run.weights, method).cycles / 1e6:,.0f}" for method in SOFTWARE),
            f"{run.rest.cycles / 1e6:,.0f}",
            *(f"{run.over(method):.2f}" for method in SOFTWARE),
            f"{published.SPEEDUP[run.weights][run.size]:.2f}",
        )
        for run in runs
    ]
    headings = ("array", "Mcycles", "a MAC", *SOFTWARE, "others", *OVER, "paper")
    print_table("SASP's encoder on CV32E40P, all tiles", headings, cells)
    note("Mcycles of products, by models within 1 % of RTL at single-cycle memory; others: estimated.")
    note("The paper's speed-ups are over its own core.")


def print_pruned(pairs: Sequence[tuple[Run, Run]]) -> None:
    """Print the same of dense and pruned runs, and what pruning brings."""
    cells = [
        (
            _name(run),
            f"{run.kept:.0%}",
            f"{run.array.cycles / 1e6:,.0f}",
            *(f"{run.over(method):.2f}" for method in SOFTWARE),
            f"{published.PRUNED[run.weights][run.size]:.2f}",
            f"{dense.feed_forward.cycles / run.feed_forward.cycles:.2f}",
            f"{dense.whole.cycles / run.whole.cycles:.2f}",
            f"{published.PRUNED[run.weights][run.size] / published.SPEEDUP[run.weights][run.size]:.2f}",
        )
        for dense, run in pairs
    ]
    gains = ("gain: feed-forward GEMM", "encoder", "paper's encoder")
    headings = ("array", "kept", "Mcycles", *OVER, "paper", *gains)
    print_table("The same, feed-forward tiles pruned", headings, cells)
    note("Software multiplies by whole matrices in either case.")


MEANS = {
    Means.ACCUMULATORS: (
        "The same by instructions, sums held in the array",
        f"A memory beside the array holds the sums of {HELD_VECTORS} vectors: about two cycles a word.",
    ),
    Means.GENERATOR: (
        "The same by an address generator beside the array",
        f"Over a memory port of {GENERATOR_BITS} bits that the array uses by itself: about a cycle a word.",
    ),
}


def print_means(means: Means, rows: Sequence[Sequence[Run]]) -> None:
    """Print the same by other means: dense runs, and pruned ones where there are any."""
    cells = [
        (
            _name(runs[0]),
            *(
                text
                for run in runs
                for text in (
                    f"{run.array.cycles / 1e6:,.0f}",
                    *(f"{run.over(method):.2f}" for method in SOFTWARE),
                )
            ),
        )
        for runs in rows
    ]
    kept = ("", "pruned: ")[: len(rows[0])]
    headings = ("array", *(before + each for before in kept for each in ("Mcycles", *OVER)))
    title, remark = MEANS[means]
    print_table(title, headings, cells)
    note(remark)


def print_attention(title: str, rows: Sequence[Mapping[Means, Run]]) -> None:
    """Print the same of arrays of INT8 weights that have attention's products too, by all means."""
    cells = []
    for runs in sorted(rows, key=lambda runs: runs[Means.INSTRUCTIONS].kept < 1):
        first = runs[Means.INSTRUCTIONS]
        cells.append(
            (
                _name(first),
                f"{first.kept:.0%}",
                *(f"{run.over(method):.2f}" for run in runs.values() for method in SOFTWARE),
            )
        )
    print_table(title, ("array", "kept", *(f"{means}: {over}" for means in Means for over in OVER)), cells)
    note("Keys and values are quantised by the core as they are computed; what it costs in errors: fig8.")


def print_energy(pairs: Sequence[tuple[Run, Run | None]], arrays: Arrays) -> None:
    """Print area and energy; of dense runs, and of pruned ones where there are any."""
    pruned = pairs[0][1] is not None
    cells = []
    for pair in pairs:
        runs = [run for run in pair if run]
        measured = arrays.by[runs[0].weights][runs[0].size]
        paper_um2 = PAPER_UM2[runs[0].weights][runs[0].size] * runs[0].size ** 2
        cells.append(
            (
                _name(runs[0]),
                f"{measured.area / 1e6:.3f}",
                f"{paper_um2 / 1e6:.3f}",
                f"{measured.seconds(runs[0].whole):.2f}",
                *(f"{measured.energy(run.whole)[key]:.2f}" for run in runs for key in KEYS),
                f"{published.ENERGY[runs[0].weights][runs[0].size]:.2f}",
                ", ".join(f"{each:.2f}" for each in measured.gated(runs[0].whole).values()),
                f"{memory_energy(runs[0].whole):.2f}",
            )
        )
    joules = [f"J, {bound}" for bound in BOUNDS]
    headings = (
        *("array", "mm2", "paper, 28 nm", "s", *joules),
        *(f"pruned: {each}" for each in joules if pruned),
        *("paper, J", "clock standing, J", "memory, J"),
    )
    period = f"{arrays.period * 1e9:g} ns"
    print_table(f"Area and energy of the arrays in {arrays.library} at {period}", headings, cells)
    note("Clock standing: J of all tiles in both bounds, if the clock stood where no word goes in.")
    note("J of the array alone, clocked all the time, leakage included; without core, wires and clock tree.")
    note(f"Memory: a word for each load, store and cycle (an instruction), by {SOURCE}; not in the J.")
    note("The paper's J, times its speed-up, go with the array's elements: they are the array's alone, too.")


def print_system(runs: Sequence[Run], arrays: Arrays, core: HostCore) -> None:
    """Print the energy of core, memory and array together, beside the core's that multiplies by itself."""
    cells = []
    for weights in dict.fromkeys(run.weights for run in runs):
        alone = software(weights, "blocked") + runs[0].rest
        memory = memory_energy(alone)
        energies = core.energy(alone.cycles, arrays.period, alone=True)
        own = [energies[key] + memory for key in KEYS]
        parts = (f"{energies[key]:.2f}" for key in KEYS)
        cells.append(
            (
                f"core alone, {weights.upper()}",
                "",
                *parts,
                f"{memory:.2f}",
                *(f"{each:.2f}" for each in own),
                "",
            )
        )
        for run in (each for each in runs if each.weights == weights):
            measured = arrays.by[weights][run.size]
            array, energies = (
                measured.energy(run.whole),
                core.energy(run.whole.cycles, arrays.period, alone=False),
            )
            memory = memory_energy(run.whole)
            whole = [array[key] + energies[key] + memory for key in KEYS]
            cells.append(
                (
                    _name(run),
                    f"{measured.area / core.area:.2f}",
                    *(f"{energies[key]:.2f}" for key in KEYS),
                    f"{memory:.2f}",
                    *(f"{each:.2f}" for each in whole),
                    ", ".join(f"{before / after:.2f}" for before, after in zip(own, whole, strict=True)),
                )
            )
    joules = [f"J, {bound}" for bound in BOUNDS]
    headings = (
        *("array", "area over core's"),
        *(f"core {each}" for each in joules),
        "memory, J",
        *(f"all {each}" for each in joules),
        "less by",
    )
    print_table(f"The system: core of {core.area / 1e6:.3f} mm2, memory and array", headings, cells)
    note("Alone it multiplies by `blocked`; beside an array it is taken to move words in all cycles.")


def _name(run: Run) -> str:
    return f"{run.size}x{run.size} {run.weights.upper()}"
