"""What crosses an engine's ports for a layer: bytes, beats of weights, and numbers of output channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig
from tileloom_golden.engine.program import Program
from tileloom_golden.engine.requantise import Requantisation
from tileloom_golden.engine.sparse import INDEX_BYTES


@dataclass(frozen=True)
class Traffic:
    """Bytes, and beats of weights.

    Attributes
    ----------
    weights:
        Bytes of weights, headers and index.
    activations, results:
        Bytes of these.
    beats:
        Of the weights' bus, those of blocks alone: as many cycles the core takes weights.
    """

    weights: int
    activations: int
    results: int
    beats: int


def traffic(program: Program, mask: npt.NDArray[np.bool_], config: EngineConfig) -> Traffic:
    """Return what a program moves with the blocks of ``mask``, block rows x block columns."""
    size = program.size
    weights = activations = results = blocks = 0
    for group, count in program.runs:
        for load, conv in group.parts:
            kept = mask[conv.block : conv.block + conv.blocks, conv.column : conv.column + conv.columns]
            taps = conv.kernel[0] * conv.kernel[1]
            beats = int(kept.sum()) * taps * size.block_beats
            entries = int(np.maximum(kept.sum(axis=0), 1).sum())
            moved = (conv.columns * size.header_beats + beats) * size.bus // 8 + INDEX_BYTES * entries
            weights, blocks = weights + count * moved, blocks + count * beats
            activations += count * -(-load.rows * load.width * load.blocks * size.k * size.element_bits // 8)
        write = group.write
        results += count * -(-write.rows * write.width * write.columns * size.n * config.result_bits // 8)
    return Traffic(weights, activations, results, blocks)


def of_channels(
    config: EngineConfig, bias: npt.NDArray[Any] | None, numbers: Requantisation | None
) -> dict[str, npt.NDArray[Any]]:
    """Return an output channel's numbers by name, in the words that the engine has of them.

    Parameters
    ----------
    config:
        The engine.
    bias:
        Of an engine that does not requantise: integers or float32; None for none.
    numbers:
        Of one that does, its bias among them.
    """
    if numbers is None:
        return (
            {} if bias is None else {"bias": bias.astype(np.float32 if bias.dtype.kind == "f" else np.int32)}
        )
    given: dict[str, npt.NDArray[Any]] = {
        "bias": numbers.bias.astype(np.int32),
        "scale": numbers.scale.astype(np.uint16),
        "shift": numbers.shift.astype(np.uint8),
    }
    if config.result_zero_point:
        given["zero_point"] = np.asarray(numbers.zero_point, np.int8)
    return given
