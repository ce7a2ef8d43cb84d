"""What a user chooses of an xDecimate unit. No Amaranth here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ConfigError

GROUP_SIZES = (4, 8, 16)
"""Every M of a 1:M pattern that there is an instruction for."""


@dataclass(frozen=True, kw_only=True)
class XfuConfig:
    """One xDecimate functional unit.

    Attributes
    ----------
    group_sizes:
        The M of the 1:M patterns whose instruction is built, some of 4, 8 and 16; kept in ascending order.
        The instructions of the others are illegal. A unit for one M is the smallest.
    id_width:
        Bits of an instruction's id on CV-X-IF (X_ID_WIDTH of the core), 2 to 8.
    precise_errors:
        On CV-X-IF, what a bus error in the load is: an exception of the instruction, at which the core stops
        the instructions behind it; or, as for the loads of CV32E40X itself, an error that is told and no
        more. Costs one cycle per xdecimate.
    """

    group_sizes: tuple[int, ...] = GROUP_SIZES
    id_width: int = 4
    precise_errors: bool = True

    def __post_init__(self) -> None:
        sizes = self.group_sizes
        if isinstance(sizes, str) or not isinstance(sizes, Iterable):
            raise ConfigError(f"group_sizes: must be a list of some of 4, 8 and 16, not {sizes!r}")
        sizes = tuple(sizes)
        for size in sizes:
            if isinstance(size, bool) or size not in GROUP_SIZES:
                raise ConfigError(f"group_sizes: must be some of 4, 8 and 16, not {size!r}")
        if not sizes:
            raise ConfigError("group_sizes: must name at least one of 4, 8 and 16")
        if len(set(sizes)) < len(sizes):
            raise ConfigError(f"group_sizes: names one twice: {', '.join(map(str, sizes))}")
        object.__setattr__(self, "group_sizes", tuple(sorted(sizes)))
        if isinstance(self.id_width, bool) or not isinstance(self.id_width, int):
            raise ConfigError(f"id_width: must be int, not {self.id_width!r}")
        if not 2 <= self.id_width <= 8:
            raise ConfigError(f"id_width: must be from 2 to 8, not {self.id_width}")
        if not isinstance(self.precise_errors, bool):
            raise ConfigError(f"precise_errors: must be bool, not {self.precise_errors!r}")

    @property
    def name(self) -> str:
        """Name of the generated unit: its group sizes."""
        return "xfu_" + "_".join(map(str, self.group_sizes))
