"""INT8 layers with INT32 sums on a cluster, with the kernels of one core (``programs/cluster_layers.c``)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tileloom.cluster.config import ClusterConfig

from ..riscv.compile import Program
from ..riscv.run import Conditions, Progress
from ..xfu.layers import PROGRAMS as XFU_PROGRAMS
from ..xfu.layers import SOURCES, Kernel, KernelJob, LayerShape
from .system import ClusterSystem
from .tiles import (
    ALIGNMENT,
    PROGRAMS,
    ClusterRun,
    bank_line,
    buffers,
    check_active,
    cluster_program,
    fewest,
    fits,
    padded_rows,
    parted,
    run_tiles,
    up,
)


@functools.cache
def layer_program(l1_bytes: int) -> Program:
    """Return ``cluster_layers.c`` compiled for clusters with so much L1."""
    sources = {"cluster_layers.c": (PROGRAMS / "cluster_layers.c").read_text()}
    return cluster_program(l1_bytes, sources | {name: (XFU_PROGRAMS / name).read_text() for name in SOURCES})


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
    places: Mapping[str, int]
    core_bytes: int


def plan(config: ClusterConfig, layer: LayerShape, kernel: Kernel, group: int, active: int) -> Plan:
    """Return the plan for a layer on so many cores. Raises UserError as ``fewest``."""
    least = KernelJob(dataclasses.replace(layer, rows=1), kernel, group).rows
    least *= active if layer.kernel is None else 1

    def laid_out(tiles: int, rows: int) -> Plan | None:
        return _laid_out(config, layer, kernel, group, active, tiles, rows)

    return fewest(config, layer.rows, least, laid_out, connected=layer.kernel is None)


def _laid_out(
    config: ClusterConfig, layer: LayerShape, kernel: Kernel, group: int, active: int, tiles: int, rows: int
) -> Plan | None:
    """Return the plan with tiles of so many rows, or None where it does not fit."""
    connected = layer.kernel is None
    parts = active if connected else 1
    job = KernelJob(dataclasses.replace(layer, rows=rows // parts), kernel, group)
    weights, offsets, _ = job.packed(np.zeros((job.rows, layer.length), np.int8))
    offsets_at, offsets_bytes = (
        up(len(parted([each] * parts, config.banks)[0])) for each in (weights, offsets)
    )
    tile_bytes = offsets_at + offsets_bytes
    input_bytes = max(layer.height * layer.width * layer.channels, job.reach if connected else 0)
    places, place = buffers(input_bytes, tile_bytes, 4 * job.pixels * rows, tiles)
    core_bytes = 0
    if connected:
        places |= dict.fromkeys(("patch0", "patch1", "pairs", "spare"), place)
    else:
        # Patches of all cores begin in different banks.
        line, apart = max(4 * config.banks, ALIGNMENT), bank_line(config, kernel) // 2
        places["patch0"] = place = up(place, line)
        places["patch1"] = places["patch0"] + up(job.reach, line) + apart
        places["pairs"] = places["spare"] = up(places["patch1"] + job.reach, line)
        if kernel is Kernel.SOFTWARE:
            places["spare"] += up(2 * job.reach)
        core_bytes = up(places["spare"] + 4 * rows - place, line)
        # The software kernels' pairs lie at multiples of a group of two patches.
        core_bytes += ALIGNMENT if kernel is Kernel.SOFTWARE else 4 if apart else 8
    if not fits(config, place + active * core_bytes):
        return None
    return Plan(tiles, rows, job, tile_bytes, offsets_at, places, core_bytes)


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
        As ``xfu.layers.run_layer`` takes them; the number of activations must be a multiple of 4.
    active:
        Cores that compute, all by default; the others wait at barriers.
    conditions, progress, waves:
        As ``run_program`` takes them.

    Results are INT32. Raises UserError where the layer does not fit into L1 or L2, and as ``run_program``.
    """
    config = system.config
    active = check_active(config, active)
    planned = plan(config, layer, kernel, group, active)
    job, places = planned.job, planned.places
    tiles = []
    whole = padded_rows(weights, planned.tiles * planned.rows)
    for first in range(0, len(whole), planned.rows):
        starts = range(first, first + planned.rows, job.rows)
        parts = [job.packed(whole[start : start + job.rows]) for start in starts]
        values, core_weights = parted([part[0] for part in parts], config.banks)
        offsets, core_offsets = parted([part[1] for part in parts], config.banks)
        tiles.append((values.ljust(planned.offsets_at, b"\0") + offsets).ljust(planned.tile_bytes, b"\0"))
    run = run_tiles(
        system,
        layer_program(config.l1_bytes),
        active=active,
        input=activations.tobytes(),
        tiles=tiles,
        lines=job.pixels,
        line=np.zeros(planned.rows, np.int32),
        places=places,
        words=[
            *(list(Kernel).index(kernel), group, int(layer.kernel is not None)),
            *(places["input"], 0, 0, 0),
            *(places[name] for name in ("patch0", "patch1", "pairs", "spare")),
            *(layer.height, layer.width, layer.channels),
            *(*(layer.kernel or (0, 0)), layer.stride, layer.padding, *layer.output),
            *(job.rows, job.steps, parts[0][2], 0, 0),
            *(planned.offsets_at, planned.core_bytes, core_weights, core_offsets),
        ],
        conditions=conditions,
        progress=progress,
        waves=waves,
    )
    return dataclasses.replace(run, results=run.results[:, : layer.rows])
