"""What a layer's kernel takes on a RISC-V core with xDecimate: cycles; accesses and bytes of its data bus.

Networks, the analytical model and rooflines ask here. Each count is that of the instructions of
`tileloom_sim/xfu/programs`, and equal to what the bus of the simulated core carries to what lies there
(`tb/xfu/test_estimate.py`); a stack's accesses are no layer's, and not among them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tileloom.cores import CORES as PROPERTIES
from tileloom.xfu.config import Host, XfuConfig
from tileloom_golden.estimate.xfu import KernelLayer, cycles
from tileloom_sim.xfu.hosts import CORES

WORD = 4
"""Bytes of a word: the width of the data bus."""


@dataclass(frozen=True)
class Moved:
    """Accesses of the bus, and the bytes that they move."""

    accesses: int
    bytes: int


@dataclass(frozen=True)
class KernelTraffic:
    """Of a layer.

    Attributes
    ----------
    input:
        Loads of activations where they lie: by im2col, or by the kernel of a fully connected layer.
    patches_written:
        Stores of im2col.
    patches:
        Loads of activations by a convolution's kernel.
    weights, offsets:
        Loads.
    results:
        Stores of sums, those for a second pixel that is not there among them.
    decimated:
        Instructions xDecimate: as many of the loads of activations, a byte each.
    lanes:
        Multiplications that are done, those of weights that fill up a row among them.
    """

    input: Moved
    patches_written: Moved
    patches: Moved
    weights: Moved
    offsets: Moved
    results: Moved
    decimated: int
    lanes: int

    @property
    def activation_bytes(self) -> int:
        """Bytes of activations, as often as they are loaded or copied."""
        return self.input.bytes + self.patches_written.bytes + self.patches.bytes

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and offsets."""
        return self.weights.bytes + self.offsets.bytes

    @property
    def bytes(self) -> int:
        """All of them."""
        return self.activation_bytes + self.weight_bytes + self.results.bytes


def unmodelled(config: XfuConfig) -> str | None:
    """Return why there are no cycles of a unit's kernels, or None where there are."""
    if config.host is Host.CV_X_IF and not config.for_cv32e40x:
        return "there is no model of that host's cycles for {}"
    return {
        Host.UNIT: "the unit alone has no core to run {} on",
        Host.PCPI: "there is no model of PicoRV32's cycles for {}; tileloom simulate measures them",
    }.get(config.host)


def has_simd(config: XfuConfig) -> bool:
    """Return whether the unit's core has dot products of bytes: whether it is CV32E40P, and not CV32E40X."""
    return PROPERTIES[CORES[config.host]].xpulp


def kernel_cycles(config: XfuConfig, layer: KernelLayer) -> int:
    """Return the cycles of a layer on the unit's core."""
    return cycles(layer, simd=has_simd(config), precise_errors=config.precise_errors is not False)


def kernel_traffic(config: XfuConfig, layer: KernelLayer) -> KernelTraffic:
    """Return the traffic of a layer on the unit's core; without SIMD it loads weights byte by byte."""
    steps = layer.calls * layer.turns * layer.steps
    loads = 1 if has_simd(config) else WORD  # of four weights, or activations of a dense layer
    lines = 2 if layer.kernel else 1  # of activations at a time
    if layer.group is None:
        activations = Moved(steps * lines * loads, steps * lines * WORD)
    else:
        activations = Moved(layer.decimated, layer.decimated)
    weights = steps * layer.together
    offsets = 0 if layer.group is None else steps // layer.steps_of_a_word
    results = layer.calls * layer.turns * layer.together * lines
    nothing = Moved(0, 0)
    copied = nothing
    if layer.kernel:
        rows = layer.window_rows()
        by_words = rows.by_words * (rows.size // WORD)
        copied = Moved(by_words + rows.by_bytes * rows.size, (rows.by_words + rows.by_bytes) * rows.size)
    return KernelTraffic(
        input=copied if layer.kernel else activations,
        patches_written=copied,
        patches=activations if layer.kernel else nothing,
        weights=Moved(weights * loads, weights * WORD),
        offsets=Moved(offsets, offsets * WORD),
        results=Moved(results, results * WORD),
        decimated=layer.decimated,
        lanes=steps * layer.together * lines * 4,
    )
