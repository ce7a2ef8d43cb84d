"""The kernel suite: the layer shapes of the xDecimate paper with every kernel, and what the paper reports.

Daghero et al., "Lightweight Software Kernels and Hardware Extensions for Efficient Sparse DNNs on
Microcontrollers", MLSys 2025: convolutions of 8 x 8 outputs and a 3 x 3 window, and fully connected layers,
all with 256 output channels; speed-ups over the dense 1x2 kernel. Every result is compared with the golden
model.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt

from tileloom import processes
from tileloom.errors import CheckError
from tileloom_golden.xfu import layers as nm_layers
from tileloom_golden.xfu.sparsity import prune_nm

from ..riscv.run import Conditions
from ..riscv.system import System
from .layers import Kernel, LayerShape, fully_connected, run_layer

CONVOLUTION_CHANNELS = (32, 64, 128, 256)
CONNECTED_CHANNELS = (256, 512, 1024, 2048)
ROWS = 256

PAPER = {
    "convolution": {4: 1.50, 8: 2.4, 16: 3.9},
    "fully connected": {4: 1.8, 8: 2.2, 16: 2.9},
}
"""The paper's average speed-up of xDecimate over dense 1x2, by kind of layer and M; L2 transfers included."""

INNER_LOOPS = {
    "convolution": {m: 5 * m / (11.5 if m == 4 else 12) for m in (4, 8, 16)},
    "fully connected": {m: 5 * m / (12.5 if m == 4 else 13) for m in (4, 8, 16)},
}
"""What the inner loops' instructions on CV32E40P allow; 8 MACs of the dense layer take 5."""

Started = Callable[[int, int], None]
"""Called with the index of a case and the cycles that it has run so far."""


class WrongResultError(CheckError):
    """A layer's result differs from the golden model's; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One layer with one kernel; ``group`` is M, or 0 for a dense kernel."""

    layer: LayerShape
    kernel: Kernel
    group: int = 0

    @property
    def kind(self) -> str:
        """Kind of layer, as PAPER names it."""
        return "convolution" if self.layer.kernel else "fully connected"

    @property
    def kernel_name(self) -> str:
        """The kernel, and 1:M if it is sparse."""
        return f"{self.kernel} 1:{self.group}" if self.group else str(self.kernel)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a case took: cycles and instructions by the core's counters."""

    case: Case
    cycles: int
    instructions: int


def convolution(channels: int, rows: int = ROWS) -> LayerShape:
    """Return the paper's convolution: 8 x 8 inputs and outputs, a 3 x 3 window, padding 1."""
    return LayerShape(rows=rows, channels=channels, height=8, width=8, kernel=(3, 3), padding=1)


def cases(
    convolutions: Sequence[int], connected: Sequence[int], groups: Sequence[int], rows: int = ROWS
) -> list[Case]:
    """Return every kernel on every layer, given by its input channels."""
    layers = [convolution(c, rows) for c in convolutions] + [fully_connected(rows, c) for c in connected]
    return [
        Case(layer=layer, kernel=kernel, group=group)
        for layer in layers
        for kernel in Kernel
        for group in (groups if kernel.sparse else (0,))
    ]


def measure(
    system: System,
    suite: Sequence[Case],
    *,
    seed: int = 0,
    conditions: Conditions | None = None,
    parallel: int = 1,
    progress: Started | None = None,
    waves: Path | None = None,
) -> Generator[Measurement]:
    """Run a suite on a system, ``parallel`` cases at a time; yield measurements in order as they are there.

    ``waves`` is a VCD file to write, of the last case. Raises WrongResultError where a word differs from the
    golden model's, and as ``run_layer``.
    """
    system.build()
    with processes.threads(parallel) as pool:
        runs = [
            pool.submit(
                _measure,
                system,
                case,
                seed,
                conditions,
                index,
                progress,
                waves if case is suite[-1] else None,
            )
            for index, case in enumerate(suite)
        ]
        for run in runs:
            yield run.result()


def speed_ups(measurements: Sequence[Measurement]) -> dict[Case, float]:
    """Return how much faster than the same layer's dense 1x2 kernel each case is."""
    dense = {run.case.layer: run.cycles for run in measurements if run.case.kernel is Kernel.DENSE_1X2}
    return {run.case: dense[run.case.layer] / run.cycles for run in measurements}


def average(values: dict[Case, float], kind: str, kernel: Kernel, group: int = 0) -> float | None:
    """Return the mean of ``values`` over the layers of a kind, or None where there are none."""
    found = [
        value
        for case, value in values.items()
        if (case.kind, case.kernel, case.group) == (kind, kernel, group)
    ]
    return fmean(found) if found else None


def _measure(
    system: System,
    case: Case,
    seed: int,
    conditions: Conditions | None,
    index: int,
    progress: Started | None,
    waves: Path | None,
) -> Measurement:
    layer = case.layer
    activations, weights = _data(case, seed)
    run = run_layer(
        system,
        layer,
        case.kernel,
        activations,
        weights,
        group=case.group,
        conditions=conditions,
        progress=(lambda cycles: progress(index, cycles)) if progress else None,
        waves=waves,
    )
    if layer.kernel is None:
        wanted = nm_layers.fully_connected(activations.reshape(1, -1), weights)
    else:
        patches = nm_layers.im2col(activations, layer.kernel, stride=layer.stride, padding=layer.padding)
        wanted = nm_layers.fully_connected(patches, weights)
    wrong = run.results != wanted
    if wrong.any():
        pixel, row = (int(i) for i in np.argwhere(wrong)[0])
        raise WrongResultError(
            f"{case.kind}, {layer.channels} channels, {case.kernel_name}: pixel {pixel}, output channel "
            f"{row} is {run.results[pixel, row]}, the golden model has {wanted[pixel, row]}; "
            f"{wrong.sum()} of {wrong.size} words differ"
        )
    return Measurement(case=case, cycles=run.cycles, instructions=run.instructions)


def _data(case: Case, seed: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return random activations and weights of the whole range, the same for every kernel."""
    layer = case.layer
    rng = np.random.default_rng([seed, layer.rows, layer.length])
    shape = (layer.height, layer.width, layer.channels)
    activations = rng.integers(-128, 128, shape, dtype=np.int8)
    weights = rng.integers(-128, 128, (layer.rows, layer.length), dtype=np.int8)
    return activations, prune_nm(weights, case.group) if case.group else weights
