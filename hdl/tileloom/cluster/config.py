"""What a user chooses of a cluster's fabric. No Amaranth here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import check_power, check_range, check_types
from ..errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """The fabric between cores, a banked L1 and L2.

    Attributes
    ----------
    cores:
        Data ports, 1 to 8.
    banks:
        Of L1, a power of two; word a is in bank a mod ``banks``.
    l1_bytes:
        Of all banks together, a power of two.
    dma_lanes:
        Words of 32 bits that the DMA engine moves in a cycle, 1, 2 or 4.
    l2_latency:
        Cycles from a grant of L2 to its answer at which the DMA engine still reads a word a cycle and lane:
        each lane has a queue of so many words and two more.

    Raises
    ------
    ConfigError
        Names the field that cannot be built, and says what would be right.
    """

    IN_LABEL: ClassVar[frozenset[str]] = frozenset({"cores", "banks", "l1_bytes"})

    cores: int = 8
    banks: int = 16
    l1_bytes: int = 128 << 10
    dma_lanes: int = 2
    l2_latency: int = 16

    def __post_init__(self) -> None:
        check_types(self)
        check_range("cores", self.cores, 1, 8)
        check_power("banks", self.banks, 64)
        check_power("l1_bytes", self.l1_bytes, 1 << 20)
        if self.l1_bytes < 1024:
            raise ConfigError(f"l1_bytes: must be at least 1024, not {self.l1_bytes}")
        check_power("dma_lanes", self.dma_lanes, 4)
        check_range("l2_latency", self.l2_latency, 1, 256)

    @property
    def masters(self) -> int:
        """Of L1: cores, and lanes of the DMA engine behind them."""
        return self.cores + self.dma_lanes

    @property
    def bank_words(self) -> int:
        """Words of a bank."""
        return self.l1_bytes // 4 // self.banks

    @property
    def lane_words(self) -> int:
        """Words that the queue of a DMA lane holds."""
        return self.l2_latency + 2

    @property
    def label(self) -> str:
        """What the fabric is, as an identifier: cores, banks and bytes of L1."""
        return f"cluster_{self.cores}_{self.banks}x{self.l1_bytes // self.banks}"
