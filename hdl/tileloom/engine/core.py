"""What every compute core looks like to the engine.

A core holds one block of B and multiplies an A tile by it in every cycle, on top of the tile's partial sums.
It never stops: partial sums are looked at, and results are there, a fixed number of cycles after their tile.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import EngineConfig, EnginePort
from .loader import unit_layout


def sums_layout(config: EngineConfig) -> data.ArrayLayout:
    """Return the layout of a C tile's partial sums: ``m x n``, row by row."""
    return data.ArrayLayout(config.sum_bits, config.m * config.n)


def core_signature(config: EngineConfig) -> wiring.Signature:
    """Return the ports of a compute core.

    weights:
        Stream in: the beats of a block, ``k`` rows of ``n`` weights and what fills the last beat up.
    block_ready, take:
        Out: a whole block waits. In, with the first tile of that block: it is in use for this tile and those
        that follow. Only while ``block_ready``.
    valid, activations, last:
        In: an A tile, row by row; it is the last of its block. Between tiles of a block there may be pauses.
    psum:
        In: the tile's partial sums, ``Timing.psum_delay`` cycles after ``valid``.
    results:
        Out: partial sums plus A tile times block, ``Timing.latency`` cycles after ``valid``.
    clear:
        In, of an AXI4 master's: as a reset, which drops the blocks that are there, whole or in part. The core
        is a shared module, and no ``ResetInserter`` around the engine reaches into it.
    """
    return wiring.Signature(
        {
            **({"clear": In(1)} if config.port is EnginePort.AXI4 else {}),
            "weights": In(stream.Signature(config.bus)),
            "block_ready": Out(1),
            "take": In(1),
            "valid": In(1),
            "last": In(1),
            "activations": In(data.ArrayLayout(unit_layout(config), config.m)),
            "psum": In(sums_layout(config)),
            "results": Out(sums_layout(config)),
        }
    )


@dataclass(frozen=True)
class Timing:
    """A core's fixed numbers of cycles.

    Attributes
    ----------
    latency, psum_delay:
        From a tile to its results, and to the cycle in which it needs its partial sums.
    block_interval:
        Fewest from one ``take`` to the next, while beats of weights are there in every cycle.
    """

    latency: int
    psum_delay: int
    block_interval: int

    @property
    def hazard(self) -> int:
        """Fewest cycles from a tile to the same tile of the next block.

        Partial sums are read in the cycle before they are needed, and the memory does not pass on what is
        written in the same cycle.
        """
        return self.latency - self.psum_delay + 2


class ComputeCore(wiring.Component):
    """A compute core of any kind, as the engine uses it. Ports as in ``core_signature``."""

    def __init__(self, config: EngineConfig, timing: Timing) -> None:
        self.config = config
        self.timing = timing
        super().__init__(core_signature(config))
