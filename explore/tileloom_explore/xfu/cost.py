"""What a layer's kernels take on a core with xDecimate; networks, models and rooflines ask here."""

from __future__ import annotations

from tileloom.xfu.config import XfuConfig
from tileloom_golden.estimate.xfu import KernelLayer

from ..cost import Cost
from .traffic import has_simd, kernel_cycles, kernel_traffic


def kernel_cost(config: XfuConfig, layer: KernelLayer, times: int = 1) -> Cost:
    """Return what a layer takes, so many times."""
    moved = kernel_traffic(config, layer)
    kept = layer.length if layer.group is None else layer.length // layer.group
    transfers = {
        "input": moved.input,
        "patches_written": moved.patches_written,
        "patches": moved.patches,
        "weights": moved.weights,
        "offsets": moved.offsets,
        "results": moved.results,
    }
    return Cost(
        cycles=times * kernel_cycles(config, layer),
        source="exact",
        macs=times * layer.output[0] * layer.output[1] * layer.rows * kept,
        peak=4 if has_simd(config) else 1,
        weight_bytes=times * moved.weight_bytes,
        activation_bytes=times * moved.activation_bytes,
        result_bytes=times * moved.results.bytes,
        units=times * layer.rows * layer.length,
        skipped=times * layer.rows * (layer.length - kept),
        transfers={name: times * each.accesses for name, each in transfers.items()},
        actions={"xdecimate": times * moved.decimated, "multiplications": times * moved.lanes},
    )
