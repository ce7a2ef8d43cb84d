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
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom import processes
from tileloom.errors import CheckError
from tileloom_golden.requantise import Requantisation, from_ratios, requantise
from tileloom_golden.xfu import layers as nm_layers
from tileloom_golden.xfu.sparsity import prune_nm

from ..riscv.run import Conditions
from ..riscv.system import System
from .calls import CallRun, run_call
from .layers import Kernel, KernelRun, LayerShape, run_layer
from .operations import layer_call

CONVOLUTION_CHANNELS = (32, 64, 128, 256)
CONNECTED_CHANNELS = (256, 512, 1024, 2048)
ROWS = 256
IMAGE, WINDOW = (8, 8), (3, 3)

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
    """One layer with one kernel.

    Attributes
    ----------
    layer, kernel:
        What, and how.
    group, n:
        M and N of N:M, or 0 and 1 for a dense kernel.
    int8:
        Whether the library computes it, with INT8 results; else sums are INT32, and N is 1.
    relu:
        Whether INT8 results below 0 become 0.
    """

    layer: LayerShape
    kernel: Kernel
    group: int = 0
    n: int = 1
    int8: bool = False
    relu: bool = False

    @property
    def kind(self) -> str:
        """Kind of layer, as PAPER names it."""
        return "convolution" if self.layer.kernel else "fully connected"

    @property
    def kernel_name(self) -> str:
        """The kernel, and N:M if it is sparse."""
        return f"{self.kernel} {self.n}:{self.group}" if self.group else str(self.kernel)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a case took: cycles and instructions by the core's counters."""

    case: Case
    cycles: int
    instructions: int


def convolution(
    channels: int,
    rows: int = ROWS,
    *,
    image: tuple[int, int] = IMAGE,
    kernel: tuple[int, int] = WINDOW,
    stride: int = 1,
    padding: int = 1,
) -> LayerShape:
    """Return a convolution, by default the paper's: 8 x 8 inputs and outputs, a 3 x 3 window, padding 1."""
    return LayerShape(
        rows=rows,
        channels=channels,
        height=image[0],
        width=image[1],
        kernel=kernel,
        stride=stride,
        padding=padding,
    )


def cases(layers: Sequence[LayerShape], groups: Sequence[int]) -> list[Case]:
    """Return every kernel with INT32 sums on every layer."""
    return [
        Case(layer=layer, kernel=kernel, group=group)
        for layer in layers
        for kernel in Kernel
        for group in (groups if kernel.sparse else (0,))
    ]


def int8_cases(
    layers: Sequence[LayerShape], sparsities: Sequence[tuple[int, int]], *, relu: bool = False
) -> list[Case]:
    """Return the library's kernels, which have INT8 results, on every layer: dense, and N:M of each."""
    return [
        Case(layer=layer, kernel=kernel, group=m, n=n, int8=True, relu=relu)
        for layer in layers
        for kernel in (Kernel.DENSE_1X2, Kernel.DENSE_4X2, Kernel.XDECIMATE)
        for n, m in (sparsities if kernel.sparse else ((1, 0),))
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


def speed_ups(measurements: Sequence[Measurement], over: Kernel = Kernel.DENSE_1X2) -> dict[Case, float]:
    """Return how much faster than the same layer's dense kernel each case is."""
    dense = {run.case.layer: run.cycles for run in measurements if run.case.kernel is over}
    return {run.case: dense[run.case.layer] / run.cycles for run in measurements}


def average(values: dict[Case, float], kind: str, kernel: Kernel, group: int = 0, n: int = 1) -> float | None:
    """Return the mean of ``values`` over the layers of a kind, or None where there are none."""
    found = [
        value
        for case, value in values.items()
        if (case.kind, case.kernel, case.group, case.n) == (kind, kernel, group, n)
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
    activations, weights = layer_data(case, seed)
    conditions = conditions or Conditions()
    told = (lambda cycles: progress(index, cycles)) if progress else None
    run: KernelRun | CallRun
    wanted: npt.NDArray[Any]
    if case.int8:
        parameters = layer_parameters(case, seed)
        call = layer_call(
            layer, activations, weights, parameters, case.kernel, m=case.group, n=case.n, relu=case.relu
        )
        run = run_call(system, call, conditions=conditions, progress=told, waves=waves)
        wanted = requantise(layer_sums(layer, activations, weights), parameters, relu=case.relu)
    else:
        run = run_layer(
            system,
            layer,
            case.kernel,
            activations,
            weights,
            group=case.group,
            conditions=conditions,
            progress=told,
            waves=waves,
        )
        wanted = layer_sums(layer, activations, weights)
    check_results(case, run.results, wanted)
    return Measurement(case=case, cycles=run.cycles, instructions=run.instructions)


def check_results(case: Case, found: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> None:
    """Raise WrongResultError where a word is not the golden model's."""
    results = found.reshape(wanted.shape)
    wrong = results != wanted
    if wrong.any():
        pixel, row = (int(i) for i in np.argwhere(wrong)[0])
        raise WrongResultError(
            f"{case.kind}, {case.layer.channels} channels, {case.kernel_name}: pixel {pixel}, output channel "
            f"{row} is {results[pixel, row]}, the golden model has {wanted[pixel, row]}; "
            f"{wrong.sum()} of {wrong.size} words differ"
        )


def layer_sums(
    layer: LayerShape, activations: npt.NDArray[np.int8], weights: npt.NDArray[np.int8]
) -> npt.NDArray[np.int32]:
    """Return the golden model's sums, pixels x output channels."""
    if layer.kernel is None:
        return nm_layers.fully_connected(activations.reshape(1, -1), weights)
    patches = nm_layers.im2col(activations, layer.kernel, stride=layer.stride, padding=layer.padding)
    return nm_layers.fully_connected(patches, weights)


def layer_data(case: Case, seed: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return random activations and weights of the whole range, the same for every kernel."""
    layer = case.layer
    rng = np.random.default_rng([seed, layer.rows, layer.length])
    shape = (layer.height, layer.width, layer.channels)
    activations = rng.integers(-128, 128, shape, dtype=np.int8)
    weights = rng.integers(-128, 128, (layer.rows, layer.length), dtype=np.int8)
    if not case.group:
        return activations, weights
    whole = np.pad(weights, ((0, 0), (0, -layer.length % case.group)))
    return activations, prune_nm(whole, case.group, case.n)[:, : layer.length]


def layer_parameters(case: Case, seed: int) -> Requantisation:
    """Return random biases, and ratios with which most results are no limits of INT8."""
    layer = case.layer
    rng = np.random.default_rng([seed, layer.length, layer.rows])
    products = layer.length * (case.n / case.group if case.group else 1)
    spread = 74 * 74 * np.sqrt(products)  # the deviation of a sum of random products
    ratios = np.minimum(rng.uniform(16, 96, layer.rows) / spread, 0.49)
    return from_ratios(ratios, np.rint(rng.normal(0, spread, layer.rows)).astype(np.int64))
