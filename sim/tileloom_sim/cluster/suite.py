"""The kernels on a cluster: cycles of layers on some and on all cores, each word held to the golden model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tileloom import processes
from tileloom.cli.console import Sheet
from tileloom.errors import UserError
from tileloom_golden.requantise import requantise

from ..riscv.run import Conditions
from ..xfu.layers import Kernel
from ..xfu.suite import Case, check_results, layer_data, layer_parameters, layer_sums
from .int8 import run_int8_layer
from .layers import run_layer
from .system import ClusterSystem
from .tiles import ClusterRun

DENSE = (Kernel.DENSE_1X2, Kernel.DENSE_4X2)
"""What speed-ups are over."""

Started = Callable[[int, int], None]
"""Called with the index of a run and the cycles that it has simulated so far."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a layer with a kernel took on so many cores."""

    case: Case
    active: int
    run: ClusterRun

    @property
    def macs_per_cycle(self) -> float:
        """Multiplications of the dense layer a cycle, transfers included."""
        return self.case.layer.macs / self.run.cycles


def measure(
    system: ClusterSystem,
    suite: Sequence[Case],
    actives: Sequence[int],
    *,
    seed: int,
    conditions: Conditions,
    parallel: int = 1,
    progress: Started | None = None,
    waves: Path | None = None,
) -> Generator[Measurement]:
    """Run a suite on each number of cores, ``parallel`` runs at a time; yield measurements in order.

    ``waves`` is a VCD file to write, of the last run. Raises WrongResultError where a word differs from the
    golden model's, and as ``run_layer``.
    """
    runs = [(case, active) for case in suite for active in actives]

    def work(index: int) -> Measurement:
        case, active = runs[index]
        layer = case.layer
        options: dict[str, Any] = {"active": active, "conditions": conditions}
        options["progress"] = (lambda cycles: progress(index, cycles)) if progress else None
        options["waves"] = waves if index == len(runs) - 1 else None
        activations, weights = layer_data(case, seed)
        wanted: npt.NDArray[Any] = layer_sums(layer, activations, weights)
        try:
            if case.int8:
                numbers = layer_parameters(case, seed)
                wanted = requantise(wanted, numbers, relu=case.relu)
                run = run_int8_layer(
                    system,
                    layer,
                    case.kernel,
                    activations,
                    weights,
                    numbers,
                    m=case.group,
                    n=case.n,
                    relu=case.relu,
                    **options,
                )
            else:
                run = run_layer(
                    system, layer, case.kernel, activations, weights, group=case.group or 4, **options
                )
        except UserError as error:
            name = f"{case.kind}, {layer.channels} channels, {case.kernel_name}"
            raise UserError(f"{name}, {active} cores: {error}") from None
        check_results(case, run.results, wanted)
        return Measurement(case=case, active=active, run=run)

    with processes.threads(parallel) as pool:
        for future in [pool.submit(work, index) for index in range(len(runs))]:
            yield future.result()


def figures(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Return every run, and how much faster it is than dense kernels, and than on the fewest cores."""
    return [
        {
            "layer": each.case.kind,
            "channels": each.case.layer.channels,
            "rows": each.case.layer.rows,
            "kernel": str(each.case.kernel),
            "group": each.case.group or None,
            "cores": each.active,
            "results": "int8" if each.case.int8 else "int32",
            "tiles": each.run.tiles,
            "macs": each.case.layer.macs,
            "cycles": each.run.cycles,
            "computing": each.run.computing,
            "instructions": each.run.instructions,
            "macs_per_cycle": round(each.macs_per_cycle, 4),
            "over_dense_1x2": round(_over(measurements, each, Kernel.DENSE_1X2), 4),
            "over_dense_4x2": round(_over(measurements, each, Kernel.DENSE_4X2), 4),
            "speed_up": round(_first(measurements, each).run.cycles / each.run.cycles, 4),
            "speed_up_computing": round(_first(measurements, each).run.computing / each.run.computing, 4),
        }
        for each in measurements
    ]


def sheets(title: str, measurements: Sequence[Measurement]) -> list[Sheet]:
    """Return a table for each kind of layer: cycles on each number of cores, and how much faster that is."""
    actives = list(dict.fromkeys(each.active for each in measurements))
    fewest, most = actives[0], actives[-1]
    cores = "core" if fewest == 1 else "cores"
    headings = ("C, K", "kernel", *(f"cycles on {active}" for active in actives), "computing")
    headings += ("MAC/cycle", "over 1x2", "over 4x2", f"over {fewest} {cores}", "computing")
    found = []
    for kind in dict.fromkeys(each.case.kind for each in measurements):
        rows = []
        for case in dict.fromkeys(each.case for each in measurements if each.case.kind == kind):
            runs = {each.active: each for each in measurements if each.case is case}
            first, last = runs[fewest].run, runs[most].run
            rows.append(
                (
                    f"{case.layer.channels}, {case.layer.rows}",
                    case.kernel_name,
                    *(f"{runs[active].run.cycles:,}" for active in actives),
                    f"{last.computing:,}",
                    f"{runs[most].macs_per_cycle:.2f}",
                    *(f"{_over(measurements, runs[most], each):.2f}" for each in DENSE),
                    f"{first.cycles / last.cycles:.2f}",
                    f"{first.computing / last.computing:.2f}",
                )
            )
        found.append(Sheet(f"{title}: {kind}", headings, rows))
    return found


def _over(measurements: Sequence[Measurement], of: Measurement, kernel: Kernel) -> float:
    """Return how much faster a run is than that of a dense kernel on as many cores."""
    dense = next(
        each
        for each in measurements
        if (each.case.layer, each.case.kernel, each.active) == (of.case.layer, kernel, of.active)
    )
    return dense.run.cycles / of.run.cycles


def _first(measurements: Sequence[Measurement], of: Measurement) -> Measurement:
    return next(each for each in measurements if each.case == of.case)
