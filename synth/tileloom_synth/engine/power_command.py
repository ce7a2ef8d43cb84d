"""``tileloom power`` of a block-sparse tile engine."""

from __future__ import annotations

from typing import Any

from tileloom.engine.config import EngineConfig

from ..power.memory import memory_option
from ..power.run import common_options, data_options, run_job
from .power import power

OPTIONS = common_options(*data_options("W's blocks", "output channel"), memory_option())


def run(config: EngineConfig, **options: Any) -> None:
    """Measure the energy of an engine's compute core on its netlist, and of the memories that it uses.

    CONFIG is a preset's name or a TOML file. The core is mapped for --clock and simulated gate by gate with a
    tile of A in every cycle, of normally distributed data or of your own GEMM; each toggle costs what the
    liberty file says. Reads of the A buffer and reads and writes of the accumulators cost --memory-energy.
    Blocks of zeros are left out. Without wires and clock tree.

    Two bounds are printed: zero delay has no glitches, unit delay has more than there are.

    \b
    Examples:
      tileloom power engine-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom power engine-int8 --liberty nangate45.lib.gz --clock 2ns --memory-energy 90 --prune 0.5
      tileloom power engine-int8 --liberty nangate45.lib.gz --clock 2ns \\
          --weights W.npy --layout KN --activations X.npy

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    run_job(power, config, **options)
