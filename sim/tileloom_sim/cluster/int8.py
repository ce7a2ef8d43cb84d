"""Layers of the C library, with INT8 results, on a cluster (``programs/cluster_int8.c``)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tileloom.cluster.config import ClusterConfig
from tileloom_golden.requantise import Requantisation

from ..riscv.compile import Program
from ..riscv.run import Conditions, Progress
from ..xfu.calls import RELU, SIGNED
from ..xfu.layers import Kernel, LayerShape, every_size
from ..xfu.library import library_files
from ..xfu.operands import KERNELS, Weights, channels, check_sums, dense, sparse
from .system import CORE, ClusterSystem
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

AT_A_TIME = 4
"""Output channels of a core's part, a multiple of: results are whole words."""

CHANNEL_BYTES = 12


@functools.cache
def int8_program(l1_bytes: int, line: int) -> Program:
    """Return ``cluster_int8.c`` and the library compiled for clusters with so much L1.

    ``line`` is what ``bank_line`` returns.
    """
    sources = {"cluster_int8.c": (PROGRAMS / "cluster_int8.c").read_text()} | library_files(every_size(CORE))
    defines = {"TILELOOM_BANK_LINE": line} if line else {}
    return cluster_program(l1_bytes, sources, also=["convolution.c"], defines=defines)


@dataclass(frozen=True)
class _Part:
    """Weights as a kernel reads them: of a convolution's tile, or of a core's part of one."""

    kernel: Kernel
    m: int
    n: int
    connected: bool

    def packed(self, weights: npt.NDArray[np.int8]) -> Weights:
        if self.kernel is Kernel.XDECIMATE:
            return sparse(weights, self.m, self.n, connected=self.connected)
        return dense(weights, self.kernel)


@dataclass(frozen=True)
class _Plan:
    tiles: int
    rows: int
    part_rows: int
    offsets_at: int
    channels_at: int
    tile_bytes: int
    places: Mapping[str, int]
    core_bytes: int


def run_int8_layer(
    system: ClusterSystem,
    layer: LayerShape,
    kernel: Kernel,
    activations: npt.NDArray[np.int8],
    weights: npt.NDArray[np.int8],
    parameters: Requantisation,
    *,
    m: int = 4,
    n: int = 1,
    relu: bool = False,
    active: int | None = None,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> ClusterRun:
    """Run a layer of the library on a cluster; cores share output rows of a convolution, or output channels.

    Parameters
    ----------
    system, active, conditions, progress, waves:
        As ``layers.run_layer`` takes them.
    layer, kernel, activations, weights, parameters, m, n, relu:
        As ``xfu.operations.layer_call`` takes them. The image has its padding about it in L2, and so in L1;
        its bytes must be a multiple of 4.

    Results are INT8. Raises UserError as ``layer_call`` and ``layers.run_layer``.
    """
    config, active = system.config, check_active(system.config, active)
    check_sums(weights, parameters.bias)
    part = _Part(kernel, m, n, layer.kernel is None)
    image = np.pad(activations, ((layer.padding,) * 2, (layer.padding,) * 2, (0, 0)))
    about = dataclasses.replace(layer, height=image.shape[0], width=image.shape[1], padding=0)
    planned = _plan(config, about, part, active)
    total = planned.tiles * planned.rows
    whole, numbers = padded_rows(weights, total), channels(parameters)
    numbers += [[0, 0, 1]] * (total - len(numbers))
    tiles = []
    for first in range(0, total, planned.rows):
        starts = range(first, first + planned.rows, planned.part_rows)
        packed = [part.packed(whole[start : start + planned.part_rows]) for start in starts]
        values, core_values = parted([each.values for each in packed], config.banks)
        offsets, core_offsets = parted([each.offsets for each in packed], config.banks)
        tile = (values.ljust(planned.offsets_at, b"\0") + offsets).ljust(planned.channels_at, b"\0")
        words = np.array(numbers[first : first + planned.rows], np.int64).astype("<u4")
        tiles.append((tile + words.tobytes()).ljust(planned.tile_bytes, b"\0"))
    one, places = packed[0], planned.places
    run = run_tiles(
        system,
        int8_program(config.l1_bytes, bank_line(config, kernel)),
        active=active,
        input=image.tobytes(),
        tiles=tiles,
        lines=about.output[0] * about.output[1],
        line=np.zeros(planned.rows, np.int8),
        places=places,
        words=[
            *(int(not part.connected), RELU if relu else SIGNED),
            *(about.height, about.width, about.channels),
            *(*(about.kernel or (1, 1)), about.stride, 0, *about.output),
            *(KERNELS.index(kernel), one.group, 0, 0, one.rows, one.steps, one.segments, one.passes),
            *(planned.offsets_at, planned.channels_at, core_values, core_offsets),
            *(places["workspace"], planned.core_bytes, 0),
        ],
        conditions=conditions,
        progress=progress,
        waves=waves,
    )
    return dataclasses.replace(run, results=run.results[:, : layer.rows])


def _plan(config: ClusterConfig, layer: LayerShape, part: _Part, active: int) -> _Plan:
    parts = active if part.connected else 1

    def laid_out(tiles: int, rows: int) -> _Plan | None:
        packed = part.packed(np.zeros((rows // parts, layer.length), np.int8))
        both = (parted([each] * parts, config.banks)[0] for each in (packed.values, packed.offsets))
        offsets_at, offset_bytes = (up(len(each)) for each in both)
        channels_at = offsets_at + offset_bytes
        tile_bytes = channels_at + up(CHANNEL_BYTES * rows)
        # What kernels read beyond the last line.
        input_bytes = layer.height * layer.width * layer.channels + packed.line_bytes
        places, place = buffers(input_bytes, tile_bytes, rows * layer.output[0] * layer.output[1], tiles)
        # Patches of all cores begin in different banks.
        line, apart = max(4 * config.banks, ALIGNMENT), bank_line(config, part.kernel) // 2
        places["workspace"] = place = up(place, line)
        core_bytes = up(2 * up(packed.line_bytes, line) + apart, line) + (4 if apart else 8)
        core_bytes = 0 if part.connected else core_bytes
        if not fits(config, place + active * core_bytes):
            return None
        return _Plan(tiles, rows, rows // parts, offsets_at, channels_at, tile_bytes, places, core_bytes)

    return fewest(config, layer.rows, AT_A_TIME * parts, laid_out, connected=part.connected)
