"""INT8 layers on a cluster: a layer becomes tiles of output channels that fit into L1, and a job.

A job is a structure of words (``programs/cluster_job.h``) in L2 at the first free address after the program,
followed by what it points at: activations, the tiles with weights and offsets, room for results. L1 is laid
out here as well::

    L1  | input | tile | tile | sums | sums | core 0: patches, pairs, spare | core 1 ... |  ...  | stacks |
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tileloom.cluster.config import ClusterConfig
from tileloom.errors import UserError
from tileloom.xfu.instruction import intrinsics_header

from ..riscv.compile import Program, compile_program
from ..riscv.job_memory import JobMemory, conditions_for
from ..riscv.run import Conditions, Progress, run_program
from ..riscv.system import MEMORY_BASE
from ..xfu import layers as xfu_layers
from ..xfu.layers import PROGRAMS as XFU_PROGRAMS
from ..xfu.layers import Kernel, KernelJob, LayerShape, every_size
from .system import CORE, L1_BASE, L2_BYTES, ClusterSystem

PROGRAMS = Path(__file__).with_name("programs")

STACK_BYTES = 1024
"""Of a core, at the end of L1."""

ALIGNMENT = 32

WASTE = 1 / 16
"""Of the output channels, how many a plan may add so that tiles are alike."""

FIELDS = KernelJob.FIELDS + 14
REPORT = KernelJob.REPORT


@dataclass(frozen=True, kw_only=True)
class ClusterRun:
    """What came of a layer.

    Attributes
    ----------
    results:
        INT32, pixels x output channels.
    cycles:
        From the first transfer's start to the last one's end, on core 0.
    computing:
        Those of them between barriers around the kernels.
    instructions:
        Core 0's.
    tiles:
        Of output channels that the layer was cut into.
    simulated:
        Cycles that were simulated in all.
    """

    results: npt.NDArray[np.int32]
    cycles: int
    computing: int
    instructions: int
    tiles: int
    simulated: int


@functools.cache
def layer_program(l1_bytes: int) -> Program:
    """Return ``cluster_layers.c`` compiled for clusters with so much L1."""
    sources = {name: (XFU_PROGRAMS / name).read_text() for name in xfu_layers.SOURCES}
    names = ("cluster_layers.c", "cluster_job.h")
    return cluster_program(l1_bytes, {name: (PROGRAMS / name).read_text() for name in names} | sources)


def cluster_program(l1_bytes: int, sources: Mapping[str, str]) -> Program:
    """Return a program for all cores of a cluster with so much L1.

    The first of ``sources`` is compiled, the others may be included, as may ``cluster.h``, the runtime, and
    ``xdecimate.h``. Each core has ``STACK_BYTES`` of stack at the end of L1; program and data are in L2.
    """
    texts = {name: (PROGRAMS / name).read_text() for name in ("cluster.h", "crt0.S", "link.ld")}
    texts["xdecimate.h"] = intrinsics_header(every_size(CORE))
    defines = {"STACK_BYTES": STACK_BYTES, "__l1_end": L1_BASE + l1_bytes}
    return compile_program(
        CORE, {**sources, **texts}, main=[next(iter(sources)), "memory.c"], defines=defines
    )


@dataclass(frozen=True)
class Plan:
    """How a layer lies in L1.

    Attributes
    ----------
    tiles, rows:
        Of output channels, and how many of them each has.
    job:
        The kernel's job on what a core does of a tile.
    tile_bytes, offsets_at:
        Of weights and offsets of a tile, and where the offsets begin in it.
    places:
        Addresses in L1 by what lies there.
    core_bytes:
        From what a core has for itself to the next core's.
    """

    tiles: int
    rows: int
    job: KernelJob
    tile_bytes: int
    offsets_at: int
    places: dict[str, int]
    core_bytes: int


def plan(config: ClusterConfig, layer: LayerShape, kernel: Kernel, group: int, active: int) -> Plan:
    """Return the plan with the fewest tiles that fit and do not add more than ``WASTE`` of output channels.

    Raises UserError where not even a tile of the fewest output channels fits.
    """
    least = KernelJob(dataclasses.replace(layer, rows=1), kernel, group).rows
    least *= active if layer.kernel is None else 1
    steps = -(-layer.rows // least)
    for tiles in range(1, steps + 1):
        each = -(-steps // tiles)
        if tiles * each > steps * (1 + WASTE):
            continue
        found = _laid_out(config, layer, kernel, group, active, tiles, each * least)
        if found is not None:
            return found
    raise UserError(
        f"{config.l1_bytes} bytes of L1 do not hold the layer, {least} output channels at a time, on "
        f"{active} cores"
    )


def _laid_out(
    config: ClusterConfig, layer: LayerShape, kernel: Kernel, group: int, active: int, tiles: int, rows: int
) -> Plan | None:
    """Return the plan with tiles of so many rows, or None where it does not fit."""
    connected = layer.kernel is None
    parts = active if connected else 1
    job = KernelJob(dataclasses.replace(layer, rows=rows // parts), kernel, group)
    part = np.zeros((job.rows, layer.length), np.int8)
    weights, offsets, _ = job.packed(part)
    offsets_at = _up(parts * len(weights))
    tile_bytes = offsets_at + _up(parts * len(offsets))
    place, places = L1_BASE, {}
    lines = [("input", max(layer.height * layer.width * layer.channels, job.reach if connected else 0))]
    for number in range(min(tiles, 2)):
        lines += [(f"tile{number}", tile_bytes), (f"output{number}", 4 * job.pixels * rows)]
    for name, size in lines:
        places[name], place = place, place + _up(size)
    core_bytes = 0
    if connected:
        places |= dict.fromkeys(("patch0", "patch1", "pairs", "spare"), place)
    else:
        # Cores go through their patches side by side, so that both of all cores begin in different banks.
        line = max(4 * config.banks, ALIGNMENT)
        places["patch0"] = place = _up(place, line)
        places["patch1"] = places["patch0"] + _up(job.reach, line) + line // 2
        places["pairs"] = places["spare"] = _up(places["patch1"] + job.reach, line)
        if kernel is Kernel.SOFTWARE:
            places["spare"] += _up(2 * job.reach)
        core_bytes = _up(places["spare"] + 4 * rows - place, line)
        # The software kernels' pairs lie at multiples of a group of two patches.
        core_bytes += ALIGNMENT if kernel is Kernel.SOFTWARE else 4
    if place + active * core_bytes > L1_BASE + config.l1_bytes - config.cores * STACK_BYTES:
        return None
    return Plan(tiles, rows, job, tile_bytes, offsets_at, places, core_bytes)


def _up(size: int, multiple: int = ALIGNMENT) -> int:
    return -(-size // multiple) * multiple


def run_layer(
    system: ClusterSystem,
    layer: LayerShape,
    kernel: Kernel,
    activations: npt.NDArray[np.int8],
    weights: npt.NDArray[np.int8],
    *,
    group: int = 4,
    active: int | None = None,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> ClusterRun:
    """Run a layer on a cluster; cores share output rows of a convolution, or output channels.

    Parameters
    ----------
    system:
        The cluster.
    layer, kernel, activations, weights, group:
        As ``xfu.layers.run_layer`` takes them; the number of input bytes must be a multiple of 4.
    active:
        Cores that compute, all by default; the others wait at barriers.
    conditions, progress, waves:
        As ``run_program`` takes them.

    Raises UserError where the layer does not fit into L1 or L2, and as ``run_program``.
    """
    config = system.config
    active = config.cores if active is None else active
    if not 1 <= active <= config.cores:
        raise UserError(f"active: must be from 1 to {config.cores}, not {active}")
    planned = plan(config, layer, kernel, group, active)
    program = layer_program(config.l1_bytes)
    memory, output = _memory(planned, program.free, layer, kernel, group, active, activations, weights)
    report = program.free + 4 * REPORT
    total = planned.tiles * planned.rows
    end = output + 4 * planned.job.pixels * total
    if end - MEMORY_BASE > L2_BYTES:
        raise UserError(f"the layer takes {end - MEMORY_BASE} bytes of L2, which has {L2_BYTES}")
    run = run_program(
        system,
        program,
        memory={program.free: memory},
        results=(report, (end - report) // 4),
        conditions=conditions_for(end, conditions, "the layer takes"),
        progress=progress,
        waves=waves,
    )
    cycles, instructions, computing = (int(word) for word in run.results[:3])
    sums = run.results[(output - report) // 4 :].view(np.int32).reshape(planned.job.pixels, total)
    return ClusterRun(
        results=sums[:, : layer.rows],
        cycles=cycles,
        computing=computing,
        instructions=instructions,
        tiles=planned.tiles,
        simulated=run.cycles,
    )


def _memory(
    planned: Plan,
    base: int,
    layer: LayerShape,
    kernel: Kernel,
    group: int,
    active: int,
    activations: npt.NDArray[np.int8],
    weights: npt.NDArray[np.int8],
) -> tuple[bytes, int]:
    """Return what lies in L2 from ``base`` on, and where the results will be."""
    job, places = planned.job, planned.places
    if activations.size % 4:
        raise UserError(f"the layer has {activations.size} activations: a transfer moves whole words")
    whole = np.pad(weights, ((0, planned.tiles * planned.rows - layer.rows), (0, 0)))
    tiles, skip, part_weights, part_offsets = b"", 0, 0, 0
    for first in range(0, len(whole), planned.rows):
        packed = []
        for part in range(first, first + planned.rows, job.rows):
            packed.append(job.packed(whole[part : part + job.rows]))
        part_weights, part_offsets, skip = len(packed[0][0]), len(packed[0][1]), packed[0][2]
        tile = b"".join(weights for weights, _, _ in packed).ljust(planned.offsets_at, b"\0")
        tiles += (tile + b"".join(offsets for _, offsets, _ in packed)).ljust(planned.tile_bytes, b"\0")
    data = JobMemory(base, FIELDS, ALIGNMENT)
    input_at, tiles_at, output_at = data.place(activations.tobytes()), data.place(tiles), data.place()
    window = layer.kernel or (0, 0)
    buffers = [places.get(f"{name}{number}", 0) for name in ("tile", "output") for number in range(2)]
    data.say(
        [
            *(list(Kernel).index(kernel), group, int(layer.kernel is not None)),
            *(places["input"], 0, planned.offsets_at, 0),
            *(places[name] for name in ("patch0", "patch1", "pairs", "spare")),
            *(layer.height, layer.width, layer.channels),
            *(*window, layer.stride, layer.padding, *layer.output),
            *(job.rows, job.steps, skip, 0, 0),
            *(active, planned.tiles, input_at, activations.size, tiles_at, planned.tile_bytes, output_at),
            *(*buffers, planned.core_bytes, part_weights, part_offsets),
        ]
    )
    return bytes(data.content), output_at
