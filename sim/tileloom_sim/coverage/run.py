"""Coverage of designs by their families' regressions: built, run with several seeds, merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tileloom.cli.console import Step, step
from tileloom.config import Config
from tileloom.errors import CheckError
from tileloom.families import Family, family_of, load, rooms

from ..build import coverage as build_coverage
from . import points
from .points import Point
from .reasons import Hole, Reason, holes, short


@dataclass(frozen=True)
class Covered:
    """What the regression of a design reached.

    Attributes
    ----------
    name, family:
        Of the design.
    seeds:
        How many regressions are merged; their seeds follow one another.
    bins:
        How often each declared bin of functional coverage was hit.
    modules:
        By name without the design's, how often each point of lines, branches and toggles was reached.
    holes:
        Lines and branches that were not.
    """

    name: str
    family: str
    seeds: int
    bins: Mapping[str, int]
    modules: Mapping[str, Mapping[Point, int]]
    holes: Sequence[Hole]

    @property
    def missing(self) -> list[str]:
        """The bins that were never hit."""
        return [name for name, hits in self.bins.items() if not hits]

    @property
    def unexplained(self) -> list[Hole]:
        """The lines and branches that were not reached, and nobody knows why."""
        return [hole for hole in self.holes if hole.reason is None]


@dataclass(frozen=True)
class Coverage:
    """What came of the coverage of some designs.

    Attributes
    ----------
    seed:
        The first.
    designs:
        What was covered.
    stale:
        Of whole families: reasons that no line needs.
    """

    seed: int
    designs: Sequence[Covered]
    stale: Sequence[Reason] = ()

    def require(self) -> None:
        """Raise CheckError where a bin is not hit, a line is not explained, or a reason explains nothing."""
        for design in self.designs:
            if design.missing:
                raise CheckError(
                    f"{design.name}: {len(design.missing)} bins are not hit: {design.missing[0]}"
                )
        for design in self.designs:
            for hole in design.unexplained:
                raise CheckError(
                    f"{design.name}: {len(design.unexplained)} lines are not reached, and nothing says why: "
                    f"{hole.module}: {hole.text} ({hole.side})"
                )
        for reason in self.stale:
            raise CheckError(f"the reason for {reason.module}, {reason.text}, explains no line any more")


def coverage_of(config: Config, seed: int) -> Coverage:
    """Return the coverage of one design.

    Raises UserError where its family has no regression for it, CheckError where the regression fails,
    ToolError where a tool is missing or fails.
    """
    with step("Covering") as shown:
        return Coverage(seed, [_cover(config, seed, shown)])


def coverage_of_families(seed: int) -> Coverage:
    """Return the coverage of every family's own designs. Raises as ``coverage_of``."""
    found: list[Covered] = []
    stale: list[Reason] = []
    with step("Covering") as shown:
        for room in rooms("tileloom_sim", "cover").values():
            own = [_cover(load(source, **fields), seed, shown) for source, fields in room.DESIGNS]
            stale += unused(room.REASONS, own)
            found += own
    return Coverage(seed, found, stale)


def unused(reasons: Sequence[Reason], designs: Sequence[Covered]) -> list[Reason]:
    """Return the reasons that no hole of these designs has."""
    used = {hole.reason for design in designs for hole in design.holes}
    return [reason for reason in reasons if reason not in used]


def _cover(config: Config, seed: int, shown: Step) -> Covered:
    family: Family = family_of(config)
    room = family.room("tileloom_sim", "cover")
    shown.show("generating")
    design = family.room("tileloom", "design").generate(config)
    declared: list[str] = room.declared(config, design)
    seen: Counter[str] = Counter()
    with build_coverage.collecting() as collected:
        for number in range(room.SEEDS):
            shown.show(f"{design.name}, seed {seed + number}")
            seen.update(room.regress(config, design, seed + number))
        reached = points.merge(collected.files())
    # The units of a host are among a core's modules, which are not ours.
    ours = design.manifest["modules"]
    reached = Counter({point: hits for point, hits in reached.items() if point.module in ours})
    undeclared = {name for name, hits in seen.items() if hits} - set(declared)
    if undeclared:
        raise CheckError(f"{design.name}: hit, and not declared: {', '.join(sorted(undeclared))}")
    return Covered(
        design.name,
        family.name,
        room.SEEDS,
        {name: seen[name] for name in declared},
        {short(name, design.name): own for name, own in points.by_module(reached).items()},
        holes(reached, design.name, design.verilog.splitlines(), room.REASONS),
    )
