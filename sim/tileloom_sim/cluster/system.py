"""Builds a simulator of a cluster: cores with xDecimate, the generated fabric, L1, and L2 behind it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

from tileloom.cluster.config import ClusterConfig
from tileloom.cluster.design import generate
from tileloom.cores import Sources
from tileloom.design import Design
from tileloom.xfu.config import GROUP_SIZES, Host, XfuConfig
from tileloom.xfu.cv32e40p.patch import patch_sources

from ..build import harness, verilator
from ..riscv import system as riscv
from ..riscv.system import OPTIONS, System

HERE = Path(__file__).parent
HARNESS = "cluster.cpp"
TOP = "tileloom_cluster"

CORE = "cv32e40p"
"""Of all cores."""

L1_BASE = 0x2000_0000

L2_BYTES = 1_638_400
"""1.6 MB; a run may have more."""


@dataclass(frozen=True, kw_only=True)
class ClusterSystem(System):
    """What a simulator of a cluster is built of; all cores have xDecimate for every M.

    Instructions are there in the cycle after their request, for every core at once: a shared instruction
    cache that always hits. L2 grants at once and answers after ``l2_latency`` cycles, at the cores' port and
    at each lane of the DMA engine.

    Attributes
    ----------
    config:
        The cluster.
    """

    core: str = CORE
    config: ClusterConfig = field(default_factory=ClusterConfig)

    def build(self) -> Path:
        """Return the simulator, made if the cache has none.

        Raises ToolError where a tool or a package is missing or fails.
        """
        sources = self.sources()
        numbers = {"CORES": self.config.cores, "LANES": self.config.dma_lanes}
        numbers["L2_LATENCY"] = self.config.l2_latency
        flags = [part for name, value in numbers.items() for part in ("-CFLAGS", f"-D{name}={value}")]
        defines = [f"-D{name}={value}" for name, value in self.defines().items()]
        files = (HERE / HARNESS, *(riscv.HERE / name for name in ("bus.h", "program_memory.h")))
        return harness.compile_harness(
            f"cluster-{self.config.cores}",
            "",
            TOP,
            sources | {path.name: path.read_text(encoding="utf-8") for path in files},
            HARNESS,
            control=verilator.control_file(["cv32e40p_top"], blocks=False),
            waves=self.waves,
            options=[*OPTIONS, *defines, *flags, *sources],
        )

    def sources(self) -> Sources:
        """Return all SystemVerilog, in the order in which a tool must read it. Raises as ``core_sources``."""
        return {
            **self.core_sources(),
            f"{self._fabric.name}.v": self._fabric.verilog,
            "cluster.sv": (HERE / "rtl" / "cluster.sv").read_text(encoding="utf-8"),
        }

    def defines(self) -> dict[str, str]:
        """Return the macros that the sources are built with."""
        config = self.config
        return {
            "TILELOOM_FABRIC": self._fabric.name,
            "TILELOOM_CORES": str(config.cores),
            "TILELOOM_BANKS": str(config.banks),
            "TILELOOM_ROW_BITS": str((config.bank_words - 1).bit_length()),
            "TILELOOM_LANES": str(config.dma_lanes),
        }

    @functools.cached_property
    def _fabric(self) -> Design:
        return generate(self.config)


@functools.cache
def cluster_system(config: ClusterConfig, *, waves: bool = False) -> ClusterSystem:
    """Return the system of a cluster whose cores have xDecimate for every M."""
    unit = XfuConfig(host=Host.CV32E40P, group_sizes=GROUP_SIZES)
    return ClusterSystem(config=config, patch=functools.partial(patch_sources, config=unit), waves=waves)
