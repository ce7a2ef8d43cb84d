"""``tileloom power`` of a systolic array."""

from __future__ import annotations

from typing import Any

from tileloom.systolic.config import SystolicConfig

from ..power.run import common_options, data_options, run_job
from .power import power

OPTIONS = common_options(*data_options("W's tiles", "column"))


def run(config: SystolicConfig, **options: Any) -> None:
    """Measure a systolic array's energy on its netlist: per cycle, MAC, tile and GEMM, by origin.

    CONFIG is a preset's name or a TOML file. The array is mapped for --clock; elements, drawn at random, and
    the array's edges are simulated gate by gate, on normally distributed data or on your own GEMM, and each
    toggle costs what the liberty file says. Tiles of zeros are left out. Without wires and clock tree.

    Two bounds are printed: zero delay has no glitches, unit delay has more than there are.

    \b
    Examples:
      tileloom power stream-8x8-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom power sasp-8x8-int8 --pdk sky130A --clock 10ns --prune 0.5
      tileloom power stream-8x8-fp32 --liberty nangate45.lib.gz --clock 2ns \\
          --weights W.npy --layout KN --activations X.npy

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    run_job(power, config, **options)
