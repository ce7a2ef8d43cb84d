"""How many cycles the block-sparse engine takes for a program, in closed form (docs/engine.md, Cycles).

Nothing is simulated: `clock` has the sums and maxima, a few for each block column of each strip that
differs from the one before. The AXI4 variant, in which any beat can be late, is in `axi`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.layer import EngineSize, Layer
from ..engine.program import Program
from ..engine.sparse import BlockSparse
from ..engine.streams import to_blocks
from .axi.bus import Bus
from .axi.engine import axi_cycles
from .clock import Clock, Known, Overheads, Part, drained, repeat
from .useful import useful_weights


@dataclass(frozen=True)
class Estimate:
    """What a layer takes.

    Attributes
    ----------
    cycles:
        From the first command to the last result taken; of the AXI4 variant from `start` to `status`.
    computing:
        In which a block is in use.
    loading:
        In which a unit of A is written into its buffer.
    writing:
        In which a row of C leaves.
    macs:
        Useful ones, those with zeros of kept blocks included.
    peak:
        MACs the core has.
    """

    cycles: int
    computing: int
    loading: int
    writing: int
    macs: int
    peak: int

    @property
    def utilisation(self) -> float:
        """Share of the core's MACs that were useful."""
        return self.macs / (self.cycles * self.peak)


def mask_of(
    layer: Layer, size: EngineSize, kept: BlockSparse | npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.bool_]:
    """Return which blocks a layer has, block rows x block columns; ``kept`` None is all.

    Raises ValueError where the shape is not that of the layer's blocks.
    """
    shape = (-(-layer.channels // size.k), -(-layer.outputs // size.n))
    mask = np.ones(shape, np.bool_) if kept is None else kept.mask if isinstance(kept, BlockSparse) else kept
    if mask.shape != shape:
        raise ValueError(f"kept has shape {mask.shape}, and the layer {shape} blocks")
    return mask


def estimate(
    program: Program,
    kept: BlockSparse | npt.NDArray[np.bool_] | None = None,
    *,
    overheads: Overheads | None = None,
    bus: Bus | None = None,
    activations: npt.NDArray[Any] | None = None,
) -> Estimate:
    """Estimate a layer.

    Parameters
    ----------
    program:
        From `compile_layer`.
    kept:
        Which blocks of the weights there are, block rows x block columns, or the weights; None is all.
    overheads:
        Of control; None is those of the RTL.
    bus:
        Of the AXI4 variant, with its memory; None is the variant with streams, none of which ever waits.
    activations:
        H x W x C, for an engine that skips their tiles of zeros; None is none of zeros.

    Raises
    ------
    ValueError
        The mask's shape is not that of the layer's blocks.
    """
    layer, size = program.layer, program.size
    mask = mask_of(layer, size, kept)
    times = overheads or Overheads()
    clock = Clock(loaded=times.start)
    computing = loading = writing = 0
    runs = program.runs
    blocked = None
    if activations is not None and size.activation_mask:
        # Every strip has its own tiles of zeros.
        runs = [(group, 1) for group in program.groups]
        blocked = to_blocks(np.reshape(activations, (layer.height, layer.width, layer.channels)), size.k) != 0
    known: Known = {}
    seen: dict[tuple[tuple[int, ...], ...], list[Part]] = {}
    for group, count in runs:
        if blocked is not None:
            # What was seen of equal strips says nothing of the next.
            known, seen = {}, {}
        parts = seen.get(group.shape)
        if parts is None:
            parts = [Part.of(load, conv, mask, size, blocked) for load, conv in group.parts]
            seen[group.shape] = parts
        computing += count * sum(part.cycles for part in parts)
        loading += count * sum(part.units for part in parts)
        writing += count * drained(group, size) * group.write.columns
        if not bus:
            repeat(clock, group, parts, count, size, times, known)
    per_weight = layer.output[0] * layer.output[1] * layer.kernel[0] * layer.kernel[1]
    macs = useful_weights(mask, (layer.channels, layer.outputs), (size.k, size.n)) * per_weight
    cycles = clock.written + times.leaving(size)
    if bus:
        cycles = axi_cycles(program, mask, bus, times.leaving(size), blocked)
    return Estimate(cycles, computing, loading, writing, macs, size.m * size.k * size.n)
