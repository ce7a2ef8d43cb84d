"""Simulates the xDecimate unit in its host: the kernel suite, on real RTL of a RISC-V core."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tileloom.arguments import check_whole
from tileloom.cli.console import step
from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.xfu.config import XfuConfig

from ..riscv.job_memory import MAX_CYCLES
from ..riscv.run import Conditions, Waits
from .functions import POOLS, FunctionCase, measure_functions
from .hosts import CORES, xfu_system
from .layers import LayerShape, fully_connected
from .report import function_figures, function_sheets, suite_figures, suite_sheets
from .suite import (
    CONNECTED_CHANNELS,
    CONVOLUTION_CHANNELS,
    IMAGE,
    ROWS,
    WINDOW,
    cases,
    convolution,
    int8_cases,
    measure,
)

LINES = 16
"""Of a matrix that a function takes."""


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """What is to be run.

    Attributes
    ----------
    convolution, connected:
        Input channels of convolutions, inputs of fully connected layers; the paper's where nothing is given.
    functions:
        Channels, or lengths of lines, by the name of a function beside layers, of ``functions.FUNCTIONS``.
    rows:
        Output channels of each layer.
    image, kernel, stride, padding:
        Height and width of the image and of the window, of convolutions and pools; stride and padding, both
        ways.
    lines:
        Of a matrix that a function takes.
    int8:
        Whether layers have INT8 results, by the library; else INT32 sums.
    relu, sparsity:
        Of INT8 results: whether those below 0 become 0, and (N, M) of N:M weights, by default 1:M for each M
        of the unit.

    Raises UserError for a number or combination out of range, and where a field would change nothing.
    """

    convolution: Sequence[int] | None = None
    connected: Sequence[int] | None = None
    functions: Mapping[str, Sequence[int]] | None = None
    rows: int | None = None
    image: Sequence[int] | None = None
    kernel: Sequence[int] | None = None
    stride: int | None = None
    padding: int | None = None
    lines: int | None = None
    int8: bool = False
    relu: bool = False
    sparsity: Sequence[tuple[int, int]] | None = None

    def __post_init__(self) -> None:
        for name, value in (("rows", self.rows), *(("convolution", each) for each in self.convolution or ())):
            if value is not None and value < 1:
                raise UserError(f"--{name}: must be at least 1, not {value}")
        named = self.functions or {}
        alone = bool(named) and self.convolution is None and self.connected is None
        windows = self.convolution is not None or any(name in POOLS for name in named)
        given = {
            "rows": (self.rows is not None and alone, "--convolution or --connected"),
            "int8": (self.int8 and alone, "--convolution or --connected"),
            **{
                name: (getattr(self, name) is not None and not windows, "--convolution or a pool")
                for name in ("image", "kernel", "stride", "padding")
            },
            "lines": (self.lines is not None and not set(named) - set(POOLS), "a function of matrices"),
            "relu": (self.relu and not self.int8, "--int8"),
            "sparsity": (self.sparsity is not None and not self.int8, "--int8"),
        }
        for name, (useless, wanted) in given.items():
            if useless:
                raise UserError(f"--{name}: would change nothing here; it goes with {wanted}")

    def layers(self) -> list[LayerShape]:
        """Return the layers; raises UserError where a shape is none."""
        convolutions, connected = self.convolution, self.connected
        if convolutions is None and connected is None and not self.functions:
            convolutions, connected = CONVOLUTION_CHANNELS, CONNECTED_CHANNELS
        rows = ROWS if self.rows is None else self.rows
        layers = [self._window(count, rows) for count in convolutions or ()]
        return layers + [fully_connected(rows, count) for count in connected or ()]

    def function_cases(self) -> list[FunctionCase]:
        """Return the functions beside layers; raises UserError where a shape is none."""
        return [
            FunctionCase(
                function=name,
                channels=count,
                lines=LINES if self.lines is None else self.lines,
                window=self._window(count, 1),
            )
            for name, counts in (self.functions or {}).items()
            for count in counts
        ]

    @property
    def of_paper(self) -> bool:
        """Whether layers have the paper's shapes, whatever their channels."""
        return all(value is None for value in (self.image, self.kernel, self.stride, self.padding))

    def _window(self, channels: int, rows: int) -> LayerShape:
        image, kernel = tuple(self.image or IMAGE), tuple(self.kernel or WINDOW)
        return convolution(
            channels,
            rows,
            image=(image[0], image[1]),
            kernel=(kernel[0], kernel[1]),
            stride=1 if self.stride is None else self.stride,
            padding=self._padding(kernel),
        )

    def _padding(self, kernel: Sequence[int]) -> int:
        if self.padding is not None:
            return self.padding
        return 1 if self.kernel is None else 0


def simulate(
    config: XfuConfig,
    *,
    shapes: Shapes | None = None,
    instruction_waits: Waits | None = None,
    data_waits: Waits | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    waves: Path | None = None,
) -> Result:
    """Run INT8 layers on the host: dense, sparse in software, and sparse with xDecimate.

    Parameters
    ----------
    config:
        The unit, in CV32E40P or, on CV-X-IF, beside CV32E40X.
    shapes:
        Layers and functions; by default the paper's layers.
    instruction_waits, data_waits:
        Wait states of the memory; none by default.
    seed:
        Of activations and weights; drawn by default.
    jobs:
        Layers at a time, by default as many as the machine has cores.
    waves:
        VCD file to write, of the last layer's last run, with xDecimate.

    Returns
    -------
    Result
        Cycles and instructions of each layer and kernel by the core's own counters, im2col included, and
        speed-ups over both dense kernels, beside the paper's.

    Raises
    ------
    CheckError
        A word differs from the golden model's, or a program does not end.
    ConfigError
        The unit has no host.
    ToolError
        The core or the compiler is not installed, or a tool fails.
    UserError
        A layer's weights are no multiple of a group and its results are sums; a unit without an M of
        ``sparsity``; waves without a layer.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    claim({"waves": waves})
    shapes = shapes or Shapes()
    jobs = (os.cpu_count() or 1) if jobs is None else jobs
    if jobs < 1:
        raise UserError(f"--jobs: must be at least 1, not {jobs}")
    layers, functions = shapes.layers(), shapes.function_cases()
    if waves is not None and not layers:
        raise UserError("--waves: is of a layer; give --convolution or --connected")
    sparsities = list(shapes.sparsity or ((1, m) for m in config.group_sizes))
    for n, m in sparsities:
        if m not in config.group_sizes:
            built = " and ".join(map(str, config.group_sizes))
            raise UserError(f"--sparsity {n}:{m}: the unit is built for M = {built}")
    for layer in layers:
        for _, group in sparsities:
            if not shapes.int8 and layer.length % group:
                option = "--convolution" if layer.kernel else "--connected"
                raise UserError(
                    f"{option} {layer.channels}: {layer.length} weights are no multiple of a group of {group}"
                )
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    system = xfu_system(config, waves=waves is not None)
    core = CORES[config.host]
    if shapes.int8:
        suite = int8_cases(layers, sparsities, relu=shapes.relu)
    else:
        suite = cases(layers, config.group_sizes)
    conditions = Conditions(
        instruction_waits=instruction_waits or Waits(),
        data_waits=data_waits or Waits(),
        limit=MAX_CYCLES,
    )
    with step(f"Building {core}"):
        system.build()
    measurements, runs = [], []
    with step(f"Simulating {core}") as shown:
        by_case: dict[int, int] = {}

        def progress(index: int, cycles: int) -> None:
            by_case[index] = cycles
            shown.show(f"{sum(by_case.copy().values()) / 1e6:,.0f} Mcycles")

        shown.show(total=len(suite) + len(functions))
        running = measure(
            system,
            suite,
            seed=chosen,
            conditions=conditions,
            parallel=jobs,
            progress=progress,
            waves=waves,
        )
        with closing(running):  # also where an interruption comes between two of its steps
            for measurement in running:
                measurements.append(measurement)
                shown.show(shown.detail, completed=len(measurements))
        for run in measure_functions(system, functions, seed=chosen, conditions=conditions):
            runs.append(run)
            shown.show(shown.detail, completed=len(measurements) + len(runs))
    figures = {
        "core": core,
        "seed": chosen,
        "rows": ROWS if shapes.rows is None else shapes.rows,
        **suite_figures(core, measurements, of_paper=shapes.of_paper),
        "functions": function_figures(runs),
    }
    title = f"{design_name(config)} on {core}"
    sheets = suite_sheets(title, core, measurements, of_paper=shapes.of_paper) + function_sheets(title, runs)
    return Result(figures, sheets, [f"seed: {chosen}"])
