"""The hardware as the model knows it: levels of storage, compute, and what is done about zeros.

All of it is data; ``specification`` reads it from TOML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .formats import Format


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """A level's storage for metadata: coordinates, run lengths, offsets.

    Attributes
    ----------
    width:
        Bits of a word; 0: the level has none.
    size:
        Words; None: any number.
    read, write:
        Energy of a word, in pJ.
    """

    width: int = 0
    size: int | None = None
    read: float = 0.0
    write: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Level:
    """A level of storage.

    Attributes
    ----------
    name:
        As mapping and features call it.
    word:
        Bits of a word of data.
    size:
        Words of one instance; None: any number.
    buffers:
        Copies of each tile; 2 where one is filled while the other is used. A tile has size / buffers words.
    block:
        Words that one access moves.
    read, write, update:
        Energy of an access, in pJ; ``update``, of a partial result, is as ``write`` unless given.
    gated_read, gated_write:
        Energy of an access that was gated or skipped.
    leakage:
        Energy of a cycle of an instance.
    read_bandwidth, write_bandwidth, bandwidth:
        Words a cycle of an instance: read, written, both together; None: any number.
    ports:
        Accesses a cycle of an instance, of a block each, reads and writes together; None: any number.
    fanout:
        Instances of what is below one instance, at most; None: any number.
    multicast, reduction, links:
        Whether one read serves all instances below that want the word; whether their results are added on the
        way up; whether a word that a neighbour below has comes from there.
    metadata:
        Its storage for metadata.
    """

    name: str
    word: int = 8
    size: int | None = None
    buffers: int = 1
    block: int = 1
    read: float = 0.0
    write: float = 0.0
    update: float | None = None
    gated_read: float = 0.0
    gated_write: float = 0.0
    leakage: float = 0.0
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    bandwidth: float | None = None
    ports: int | None = None
    fanout: int | None = None
    multicast: bool = True
    reduction: bool = True
    links: bool = False
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def free(self) -> bool:
        """Whether it never slows anything down."""
        limits = (self.read_bandwidth, self.write_bandwidth, self.bandwidth, self.ports)
        return all(limit is None for limit in limits)


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The units that compute: one product, added, a cycle each.

    Attributes
    ----------
    name:
        For people.
    energy, gated, skipped:
        Of a compute, and of one that was gated or skipped for a zero, in pJ.
    leakage:
        Energy of a cycle of an instance.
    zeros:
        What becomes of a compute with one operand missing: "compute" it, "gate" it (it takes its cycle) or
        "skip" it.
    """

    name: str = "MAC"
    energy: float = 0.0
    gated: float = 0.0
    skipped: float = 0.0
    leakage: float = 0.0
    zeros: str = "compute"


@dataclass(frozen=True)
class Feature:
    """A sparse acceleration feature: accesses to ``target`` that zeros elsewhere make needless.

    Attributes
    ----------
    level:
        Where the decision is made.
    action:
        "gate" (the cycle passes), "skip" (it does not) or "pack": the non-zeros of the target's tile move up
        into empty lanes, whatever the other operands are.
    target:
        The tensor whose access goes: the follower.
    by:
        The leaders. Two features that name each other are a double-sided intersection.
    """

    level: str
    action: str
    target: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """Where published models differ from one another.

    Attributes
    ----------
    charge_skipped_metadata:
        Metadata of skipped accesses costs energy (MICRO 2022 artifact) or does not (later versions).
    charge_first_fills:
        A level is written with zeros before the first update of a result (artifact), or is not.
    confidence:
        Probability with which a compressed tile fits its level.
    """

    charge_skipped_metadata: bool = False
    charge_first_fills: bool = False
    confidence: float = 1.0


@dataclass(frozen=True)
class Architecture:
    """A design.

    Attributes
    ----------
    name:
        For people.
    levels:
        Of storage, the outermost first.
    compute:
        Below the last level.
    features:
        What is done about zeros.
    formats:
        By level and tensor; what is not there is uncompressed.
    options:
        Of the model.
    """

    name: str
    levels: tuple[Level, ...]
    compute: Compute
    features: tuple[Feature, ...] = ()
    formats: Mapping[tuple[str, str], Format] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
