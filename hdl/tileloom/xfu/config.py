"""What a user chooses of an xDecimate unit. No Amaranth here."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from ..config import SETTLED, check_range, check_types, settle
from ..errors import ConfigError, UserError

GROUP_SIZES = (4, 8, 16)
"""Every M of a 1:M pattern that there is an instruction for."""


class Host(enum.Enum):
    """What the unit sits in: nothing (streams), a coprocessor for CV-X-IF or PCPI, or CV32E40P's pipeline."""

    UNIT = "unit"
    CV_X_IF = "cv-x-if"
    PCPI = "pcpi"
    CV32E40P = "cv32e40p"


class Version(enum.Enum):
    """Of CORE-V-XIF."""

    V0_2 = "0.2"
    V1_0 = "1.0"


@dataclass(frozen=True, kw_only=True)
class XfuConfig:
    """One xDecimate functional unit.

    Attributes
    ----------
    host:
        The core-agnostic unit behind streams, the coprocessor for CV-X-IF or for PCPI with its own load port,
        or CV32E40P with the unit in ID, EX and WB.
    group_sizes:
        The M of the 1:M patterns whose instruction is built, some of 4, 8 and 16; kept in ascending order.
        The instructions of the others are illegal. A unit for one M is the smallest.
    id_width:
        On CV-X-IF, bits of an instruction's id (X_ID_WIDTH of the core), 2 to 8; of the unit, bits of a tag.
        4 by default.
    version:
        Of CV-X-IF: 0.2, with a memory interface, as CV32E40X has it (the default); or 1.0, with the unit's
        own load port.
    guard:
        On CV-X-IF 0.2, whether the host is CV32E40X 0.6.0, which needs instructions accepted, loads requested
        and errors told at certain times (the default); or one that follows the interface by itself.
    operands:
        On CV-X-IF 1.0, registers that the host gives an instruction, X_NUM_RS: 3 by default; with 2 the unit
        keeps the word of offsets.
    hartid_width:
        On CV-X-IF 1.0, bits of ``hartid``, X_HARTID_WIDTH, 1 to 32; 1 by default.
    precise_errors:
        On CV-X-IF 0.2, what a bus error in the load is: an exception of the instruction, at which the core
        stops the instructions behind it (the default); or, as for the loads of CV32E40X itself, an error that
        is told and no more. Costs one cycle per xdecimate.

    Raises
    ------
    ConfigError
        Names the field that cannot be built, or does not apply, and says what would be right.
    """

    IN_LABEL: ClassVar[frozenset[str]] = frozenset({"host", "group_sizes", "version"})

    host: Host = Host.CV_X_IF
    group_sizes: tuple[int, ...] = GROUP_SIZES
    id_width: int = SETTLED
    version: Version = SETTLED
    guard: bool = SETTLED
    operands: int = SETTLED
    hartid_width: int = SETTLED
    precise_errors: bool = SETTLED

    def __post_init__(self) -> None:
        check_types(self)
        sizes = self.group_sizes
        wrong = [size for size in sizes if size not in GROUP_SIZES]
        if wrong or not sizes:
            found = wrong[0] if wrong else "none"
            raise ConfigError(f"group_sizes: must be some of 4, 8 and 16, not {found}")
        if len(set(sizes)) < len(sizes):
            raise ConfigError(f"group_sizes: names one twice: {', '.join(map(str, sizes))}")
        object.__setattr__(self, "group_sizes", tuple(sorted(sizes)))
        ids = self.host in (Host.UNIT, Host.CV_X_IF)
        where = "is for CV-X-IF and the unit; CV32E40P and PCPI have no ids"
        settle(self, {"id_width": 4}, applies=ids, where=where)
        coprocessor = self.host is Host.CV_X_IF
        settle(self, {"version": Version.V0_2}, applies=coprocessor, where="is for CV-X-IF")
        old, new = self.version is Version.V0_2, self.version is Version.V1_0
        settle(self, {"guard": True, "precise_errors": True}, applies=old, where="is for CV-X-IF 0.2")
        settle(self, {"operands": 3, "hartid_width": 1}, applies=new, where="is for CV-X-IF 1.0")
        if new:
            check_range("operands", self.operands, 2, 3)
            check_range("hartid_width", self.hartid_width, 1, 32)
        if self.id_width is not None:
            check_range("id_width", self.id_width, 2, 8)

    @property
    def sources(self) -> int:
        """Registers that the host gives an instruction: 3, or 2, and the unit keeps the word of offsets."""
        return 2 if self.host is Host.PCPI else self.operands or 3

    @property
    def for_cv32e40x(self) -> bool:
        """Whether it is the coprocessor for CV32E40X 0.6.0."""
        return self.guard is True

    @property
    def label(self) -> str:
        """What the unit is, as an identifier: its host and group sizes."""
        sizes = "_".join(map(str, self.group_sizes))
        version = "_1_0" if self.version is Version.V1_0 else ""
        return f"xfu_{self.host.value.replace('-', '_')}{version}_{sizes}"


def refuse_others(config: XfuConfig, what: str) -> None:
    """Raise UserError where a command, or an option of one, is not for the unit's host."""
    if config.host in (Host.PCPI, Host.CV_X_IF) and not config.for_cv32e40x:
        raise UserError(f"{what}: is for the unit alone, CV32E40P, and the coprocessor for CV32E40X 0.6.0")
