"""What a layer's kernels take on a core with xDecimate; networks, models and rooflines ask here."""

from __future__ import annotations

from tileloom.xfu.config import XfuConfig
from tileloom_golden.engine.layer import Layer as Geometry
from tileloom_golden.estimate.xfu import KernelLayer
from tileloom_sim.xfu.layers import COUNTER_GROUPS

from ..cost import Cost
from .traffic import has_simd, kernel_cycles, kernel_traffic


def kernel_layer(layer: Geometry, group: int | None) -> KernelLayer:
    """Return a layer as kernels run it: an image that the host has padded, or a product, a row a pixel.

    Parameters
    ----------
    layer:
        A convolution, or a product, whose K is filled up to whole groups.
    group:
        M of 1:M weights; None of dense ones.

    Raises
    ------
    ValueError
        A row of a convolution is no whole groups, or has more of them than the unit's counter tells apart.
    """
    multiple, length = group or 1, layer.channels * layer.kernel[0] * layer.kernel[1]
    product = layer == Geometry.product(layer.width, layer.channels, layer.outputs)
    if not product and length % multiple:
        raise ValueError(f"a row of {length} weights is no whole groups of 1:{group}")
    if group is not None and length > group * COUNTER_GROUPS:
        raise ValueError(f"a row of {length} weights is more than {COUNTER_GROUPS} groups of 1:{group}")
    if product:
        return KernelLayer(
            rows=layer.outputs,
            channels=-(-layer.channels // multiple) * multiple,
            height=layer.width,
            kernel=None if layer.width == 1 else (1, 1),
            group=group,
        )
    top, bottom, left, right = layer.pads
    return KernelLayer(
        rows=layer.outputs,
        channels=layer.channels,
        height=layer.height + top + bottom,
        width=layer.width + left + right,
        kernel=layer.kernel,
        stride=layer.stride,
        group=group,
    )


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
