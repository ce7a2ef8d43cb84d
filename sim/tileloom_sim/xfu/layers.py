"""INT8 layers on the RISC-V system: a layer's shape and data become a job for ``programs/layers.c``.

A job is a structure of words (``programs/job.h``) at the first free address after the program, followed by
what it points at: activations, weights in the form that the kernel reads, room for patches and results.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tileloom.cores import CORES
from tileloom.errors import UserError
from tileloom.xfu.config import GROUP_SIZES, Host, XfuConfig
from tileloom.xfu.instruction import COUNTER_BITS, intrinsics_header
from tileloom_golden.estimate.xfu import KernelLayer
from tileloom_golden.xfu.packing import Layout, offset_bits, pack, padded_groups

from ..riscv.compile import Program, compile_program
from ..riscv.job_memory import MAX_BYTES, JobMemory, conditions_for
from ..riscv.run import Accesses, Conditions, Progress, run_program
from ..riscv.system import System

PROGRAMS = Path(__file__).with_name("programs")
"""Where the kernels are."""

COUNTER_GROUPS = 1 << (COUNTER_BITS - 1)
"""Groups of a row that the unit's counter, which takes two steps for each, tells apart."""

ALIGNMENT = 32
"""Of everything that a job points at: a group of two patches at 1:16."""

SOURCES = (
    "layers.c",
    "job.h",
    "select.h",
    "window.h",
    "im2col.h",
    "loops_corev.h",
    "loops_plain.h",
    "dense_corev.h",
    "software_corev.h",
    "xdecimate_corev.h",
    "kernels_plain.h",
)


class Kernel(enum.StrEnum):
    """How a layer is computed; the order is that of ``enum kernel`` in job.h."""

    DENSE_1X2 = "dense 1x2"
    """One output channel on two pixels at a time; fully connected: two output channels."""
    DENSE_4X2 = "dense 4x2"
    """Four output channels on two pixels at a time; fully connected: four output channels."""
    SOFTWARE = "software"
    """Sparse, with the core's own instructions."""
    XDECIMATE = "xdecimate"
    """Sparse, with xDecimate."""

    @property
    def sparse(self) -> bool:
        """Whether it reads packed 1:M weights."""
        return self in (Kernel.SOFTWARE, Kernel.XDECIMATE)


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """A layer's shape: a convolution, or, as ``fully_connected`` makes it, a fully connected layer.

    Attributes
    ----------
    rows:
        Output channels, K.
    channels:
        Input channels, C.
    height, width:
        Of the input.
    kernel:
        Height and width of the window, or None: fully connected, on ``channels`` activations.
    stride, padding:
        Of the window, both ways.

    Raises UserError where a size is out of range or the window is larger than the input with its padding.
    """

    rows: int
    channels: int
    height: int = 1
    width: int = 1
    kernel: tuple[int, int] | None = None
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        window = self.kernel or (1, 1)
        for name, value, least in (
            ("rows", self.rows, 1),
            ("channels", self.channels, 1),
            ("height", self.height, 1),
            ("width", self.width, 1),
            ("kernel height", window[0], 1),
            ("kernel width", window[1], 1),
            ("stride", self.stride, 1),
            ("padding", self.padding, 0),
        ):
            if not least <= value < 1 << 31:
                raise UserError(f"{name}: must be from {least} to {(1 << 31) - 1}, not {value}")
        sizes = self.height + 2 * self.padding, self.width + 2 * self.padding
        if window[0] > sizes[0] or window[1] > sizes[1]:
            raise UserError(
                f"kernel: {window[0]} x {window[1]} is larger than the input, {sizes[0]} x {sizes[1]} "
                "with its padding"
            )

    @property
    def length(self) -> int:
        """Weights of an output channel."""
        return self.channels * (self.kernel[0] * self.kernel[1] if self.kernel else 1)

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        if self.kernel is None:
            return (1, 1)
        height, width = (
            (size + 2 * self.padding - window) // self.stride + 1
            for size, window in zip((self.height, self.width), self.kernel, strict=True)
        )
        return height, width

    @property
    def macs(self) -> int:
        """Multiplications of the dense layer."""
        return self.output[0] * self.output[1] * self.rows * self.length


def shape_of(layer: KernelLayer) -> LayerShape:
    """Return the shape of a layer whose cycles are estimated; it has no padding."""
    return LayerShape(
        rows=layer.rows,
        channels=layer.channels,
        height=layer.height,
        width=layer.width,
        kernel=layer.kernel,
        stride=layer.stride,
    )


def fully_connected(rows: int, channels: int) -> LayerShape:
    """Return a fully connected layer of ``channels`` activations and ``rows`` results."""
    return LayerShape(rows=rows, channels=channels)


@dataclass(frozen=True, kw_only=True)
class KernelRun:
    """What came of a layer.

    Attributes
    ----------
    results:
        INT32, pixels x output channels.
    cycles, instructions:
        That the layer took, im2col included, by the core's own counters.
    accesses:
        Of the data bus by what lies there: "input", "weights", "offsets", "patches" (im2col's), "results",
        with those of a pixel that is not there.
    """

    results: npt.NDArray[np.int32]
    cycles: int
    instructions: int
    accesses: Mapping[str, Accesses]


def every_size(core: str) -> XfuConfig:
    """Return a unit for every M with the form of the instructions that a core gives a coprocessor."""
    return XfuConfig(host=Host.PCPI if CORES[core].operands == 2 else Host.CV_X_IF)


def layer_program(core: str, replaced: Mapping[str, str] | None = None) -> Program:
    """Return ``layers.c`` compiled for a core, with other texts for files such as ``crt0.S`` if given."""
    sources = {name: (PROGRAMS / name).read_text() for name in SOURCES}
    sources |= {"xdecimate.h": intrinsics_header(every_size(core)), **(replaced or {})}
    return compile_program(core, sources, main=["layers.c"])


def run_layer(
    system: System,
    layer: LayerShape,
    kernel: Kernel,
    activations: npt.NDArray[np.int8],
    weights: npt.NDArray[np.int8],
    *,
    group: int = 4,
    program: Program | None = None,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> KernelRun:
    """Run a layer.

    Parameters
    ----------
    system:
        Where; the kernel XDECIMATE needs a core with the unit.
    layer, kernel:
        What to compute, and how.
    activations:
        Height x width x channels.
    weights:
        Output channels x ``layer.length``, the channel fastest; for a sparse kernel 1:M.
    group:
        M of 1:M, for a sparse kernel.
    program:
        What ``layer_program`` returns, if not that without replaced files.
    conditions, progress, waves:
        As ``run_program`` takes them; the memory's size is found here, and no run is longer than the
        program's counters can tell, ``MAX_CYCLES``.

    Raises
    ------
    UserError
        The layer is too large: a row has more groups than the unit's counter tells apart, or the data more
        bytes than there are addresses. ``group`` is none of 4, 8 and 16.
    ValueError
        Shapes do not fit the layer, or a matrix is not 1:M.

    And as ``run_program``.
    """
    job = KernelJob(layer, kernel, group)
    program = program or layer_program(system.core)
    memory, results, places = job.memory(program.free, activations, weights)
    report = program.free + 4 * job.REPORT
    words = (results - report) // 4 + job.pixels * job.rows
    end = results + 4 * (job.pixels + 1) * job.rows + ALIGNMENT
    run = run_program(
        system,
        program,
        memory={program.free: memory},
        results=(report, words),
        counted=list(places.values()),
        conditions=conditions_for(end, conditions, "the layer takes"),
        progress=progress,
        waves=waves,
    )
    sums = run.results[(results - report) // 4 :].view(np.int32).reshape(job.pixels, job.rows)
    cycles, instructions = (int(word) for word in run.results[:2])
    return KernelRun(
        results=sums[:, : layer.rows],
        cycles=cycles,
        instructions=instructions,
        accesses=dict(zip(places, run.accesses, strict=True)),
    )


class KernelJob:
    """The job for one layer and one kernel.

    Attributes
    ----------
    rows, steps, reach:
        Output channels, filled up to what the kernel takes at a time; iterations of its innermost loop for
        one of them; bytes of activations that it reads.

    Raises UserError where the layer is too large, or ``group`` is none of 4, 8 and 16.
    """

    FIELDS = 25
    REPORT = 23  # where cycles and instret stand

    def __init__(self, layer: LayerShape, kernel: Kernel, group: int) -> None:
        self.layer, self.kernel, self.group = layer, kernel, group
        self.pixels = layer.output[0] * layer.output[1]
        connected = layer.kernel is None
        # What the kernel computes at a time; xDecimate's pairs of rows are filled up by packing.
        at_a_time = {
            Kernel.DENSE_1X2: 2 if connected else 1,
            Kernel.DENSE_4X2: 4,
            Kernel.SOFTWARE: 1,
            Kernel.XDECIMATE: 2 if connected else 1,
        }[kernel]
        self.rows = _up(layer.rows, at_a_time)
        sparse_layout = Layout.INTERLEAVED if connected else Layout.DUPLICATED
        self.layout = Layout.PLAIN if kernel is Kernel.SOFTWARE else sparse_layout
        if kernel.sparse:
            if group not in GROUP_SIZES:
                raise UserError(f"group: must be 4, 8 or 16, not {group}")
            groups = padded_groups(layer.length, group, self.layout)
            if kernel is Kernel.XDECIMATE and groups > COUNTER_GROUPS:
                raise UserError(
                    f"a row of {layer.length} weights is {groups} groups of 1:{group}: xDecimate's counter "
                    f"tells {COUNTER_GROUPS} apart; split the row"
                )
            self.steps, self.reach = groups // 4, groups * group
        else:
            self.steps = -(-layer.length // 4)
            self.reach = 4 * self.steps
        # Before anything is made: what the system has no addresses for.
        stored = self.reach // (group if kernel.sparse else 1)
        least = self.rows * stored + 4 * self.rows * self.pixels + layer.height * layer.width * layer.channels
        if least > MAX_BYTES:
            raise UserError(f"the layer takes over {least} bytes of memory: the system has {MAX_BYTES}")

    def memory(
        self, base: int, activations: npt.NDArray[np.int8], weights: npt.NDArray[np.int8]
    ) -> tuple[bytes, int, dict[str, tuple[int, int]]]:
        """Return the memory from ``base`` on, the results' address, and where is what: address, bytes."""
        layer = self.layer
        for name, array, shape in (
            ("activations", activations, (layer.height, layer.width, layer.channels)),
            ("weights", weights, (layer.rows, layer.length)),
        ):
            if array.shape != shape or array.dtype != np.int8:
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}, this layer takes int8 of {shape}"
                )
        packed, offsets, skip = self.packed(weights)
        data = JobMemory(base, self.FIELDS, ALIGNMENT)
        place = data.place
        input_at = place(activations.tobytes(), self.reach if layer.kernel is None else 0)
        weights_at, offsets_at = place(packed), place(offsets)
        patches = [place(b"", self.reach) for _ in range(2)]
        pairs = place(b"", 2 * self.reach)
        spare = place(b"", 4 * self.rows)
        results = place(b"")
        kernel = layer.kernel or (0, 0)
        fields = [
            list(Kernel).index(self.kernel),
            self.group,
            int(layer.kernel is not None),
            input_at,
            weights_at,
            offsets_at,
            results,
            *patches,
            pairs,
            spare,
            *(layer.height, layer.width, layer.channels),
            *(*kernel, layer.stride, layer.padding),
            *layer.output,
            *(self.rows, self.steps, skip),
            *(0, 0),
        ]
        data.say(fields)
        # What lies between two of these is never accessed.
        places = {
            "input": (input_at, weights_at - input_at),
            "weights": (weights_at, offsets_at - weights_at),
            "offsets": (offsets_at, patches[0] - offsets_at),
            "patches": (patches[0], spare - patches[0]),
            "results": (spare, results - spare + 4 * self.rows * self.pixels),
        }
        return bytes(data.content), results, places

    def packed(self, weights: npt.NDArray[np.int8]) -> tuple[bytes, bytes, int]:
        """Return weights and offsets as the kernel reads them, and the bytes between two rows' offsets."""
        if not self.kernel.sparse:
            rows, length = weights.shape
            return np.pad(weights, ((0, self.rows - rows), (0, 4 * self.steps - length))).tobytes(), b"", 0
        packed = pack(weights, self.group, self.layout)
        used = self.steps * offset_bits(self.group) // 2
        skip = 4 * packed.offsets.shape[1] - used if self.layout is Layout.PLAIN else 0
        return packed.weights.tobytes(), packed.offsets.astype("<u4").tobytes(), skip


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
