"""Units and beats: runs of memory come as the units that are in them, and units go to their places of a run.

    beats --> the beat's units of the run, from where it begins --> units
    units --> their places in beats, strobes where they are     --> beats, whole ones and a run's last

A run is followed from where it begins: the place of its next unit in a beat, and how many are left.
"""

from __future__ import annotations

from amaranth.utils import exact_log2

from tileloom.engine.axi.read import Units
from tileloom.engine.axi.signals import STREAM_JOB, JobBits, activation_job, result_job
from tileloom.engine.axi.write import Beats
from tileloom.engine.config import EngineConfig
from tileloom.engine.drain import result_layout
from tileloom.engine.layouts import INDEX
from tileloom.engine.loader import unit_layout

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number, widen


def read_units(config: EngineConfig) -> dict[str, tuple[int, JobBits]]:
    """Return of each client that reads data the bits of a unit, and of its jobs."""
    return {
        "read_activations": (unit_layout(config).size, activation_job(config)),
        "read_index": (INDEX.size, STREAM_JOB),
        "read_weights": (config.bus, STREAM_JOB),
    }


def unit_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of what an AXI4 engine makes of beats, and beats of."""

    def reads() -> list[Query]:
        return [
            query
            for unit, job in read_units(config).values()
            for query in read_queries(config, unit, job, open_netlist(Units(config, unit, job)))
        ]

    def writes() -> list[Query]:
        unit, job = result_layout(config).size, result_job(config)
        return write_queries(config, unit, job, open_netlist(Beats(config, unit, job)))

    of = (config.label, "", 0, "induction")
    return [
        Proof("units of a run, from its beats, in order", *of, reads),
        Proof("beats of a run, units at their places, strobes", *of, writes),
    ]


UNNAMED = "$signal"
"""What Amaranth calls a signal that it found no name for: of the registers, that a run is under way."""


class RunOfUnits:
    """The record of a run: under way, the place of its next unit, how many are left."""

    def __init__(self, config: EngineConfig, unit: int, job: JobBits, moved: str) -> None:
        self.per_beat = config.bus // unit
        self.places, low = exact_log2(self.per_beat), exact_log2(unit // 8)
        self.size = job.run + 1
        self.under_way = f"(= {kept('under way')} #b1)"
        self.last = f"(= {kept('left')} {number(1, self.size)})"
        taken = all_of(port("runs__valid", 0), port("runs__ready", 0))
        run = {name: port(f"runs__payload.{name}", 0) for name in ("address", "bytes")}
        rounded = f"(bvadd {widen(run['bytes'], 1)} {number((1 << low) - 1, self.size)})"
        left = f"(bvlshr {rounded} {number(low, self.size)})"
        self.widths = {"under way": 1, "left": self.size}
        ended = f"(ite (and {moved} {self.last}) #b0 {kept('under way')})"
        less = f"(bvsub {kept('left')} {number(1, self.size)})"
        self.following = {
            "under way": f"(ite {taken} #b1 {ended})",
            "left": f"(ite {taken} {left} (ite {moved} {less} {kept('left')}))",
        }
        self.whole = "true"
        if self.places:
            begin = bits(run["address"], low + self.places - 1, low)
            more = f"(bvadd {kept('place')} {number(1, self.places)})"
            self.widths["place"] = self.places
            self.following["place"] = f"(ite {taken} {begin} (ite {moved} {more} {kept('place')}))"
            self.whole = f"(= {kept('place')} {number(self.per_beat - 1, self.places)})"
        self.claims = [f"(= {port('runs__ready', 0)} (or (not {self.under_way}) (and {moved} {self.last})))"]
        # A run has a byte at least, and of what is written whole units (docs/engine.md).
        self.assumed = [f"(not (= {run['bytes']} {number(0, job.run)}))"]
        self.low, self.run = low, run

    def agreement(self, netlist: Netlist, step: int) -> list[str]:
        """Return how the registers and the record belong together."""
        there = f"(= {kept('under way', step)} #b1)"
        same = [f"(= {netlist.number('left', step, self.size)} {kept('left', step)})"]
        if self.places:
            same.append(f"(= {netlist.number('place', step, self.places)} {kept('place', step)})")
        some = f"(not (= {kept('left', step)} {number(0, self.size)}))"
        (running,) = netlist.registers_named(UNNAMED)
        return [f"(= {port(running, step)} {there})", f"(=> {there} {all_of(*same, some)})"]

    def at(self, place: int) -> str:
        """Return that the next unit is at a place of its beat."""
        return f"(= {kept('place')} {number(place, self.places)})" if self.places else "true"


def read_queries(config: EngineConfig, unit: int, job: JobBits, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof of ``Units``."""
    moved = all_of(port("units__valid", 0), port("units__ready", 0))
    run = RunOfUnits(config, unit, job, moved)
    beat, given = port("beats__payload", 0), port("units__payload", 0)
    own = [
        f"(=> {run.at(place)} (= {given} {bits(beat, (place + 1) * unit - 1, place * unit)}))"
        for place in range(run.per_beat)
    ]
    claims = [
        *run.claims,
        f"(= {port('units__valid', 0)} (and {run.under_way} {port('beats__valid', 0)}))",
        f"(=> {port('units__valid', 0)} {all_of(*own)})",
        f"(= {port('beats__ready', 0)} (and {moved} (or {run.last} {run.whole})))",
    ]
    both = (run.agreement(netlist, 0), run.agreement(netlist, 1))
    return induction(netlist, Record(run.widths, run.following, {}), both, claims, assumed=run.assumed)


def write_queries(config: EngineConfig, unit: int, job: JobBits, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof of ``Beats``."""
    moved = all_of(port("units__valid", 0), port("units__ready", 0))
    run = RunOfUnits(config, unit, job, moved)
    sent = all_of(port("beats__valid", 0), port("beats__ready", 0))
    on_offer = f"(= {kept('on offer')} #b1)"
    ends = f"(or {run.last} {run.whole})"
    widths = run.widths | {"on offer": 1}
    following = run.following | {"on offer": f"(ite {moved} {bit(ends)} (ite {sent} #b0 {kept('on offer')}))"}
    agreements: list[list[str]] = []
    places = range(run.per_beat)
    for place in places:
        here = all_of(moved, run.at(place))
        there, data = f"there {place}", f"unit {place}"
        widths |= {there: 1, data: unit}
        # A beat that was whole before is another one.
        following[there] = f"(ite {here} #b1 (ite (or {sent} (and {moved} {on_offer})) #b0 {kept(there)}))"
        following[data] = f"(ite {here} {port('units__payload', 0)} {kept(data)})"
    for step in (0, 1):
        none = all_of(*(f"(= {kept(f'there {place}', step)} #b0)" for place in places))
        full = f"(= {kept('on offer', step)} #b1)"
        begun = f"(not {port('first_of_beat', step)})"
        found = [
            *run.agreement(netlist, step),
            f"(= {port('beats__valid', step)} {full})",
            f"(=> {begun} (and (not {full}) (not {none}) (= {kept('under way', step)} #b1)))",
            f"(or {begun} {full} {none})",
        ]
        strobes = netlist.number("strobes", step, run.per_beat)
        for place in places:
            own, data = f"(= {kept(f'there {place}', step)} #b1)", kept(f"unit {place}", step)
            found += [
                f"(=> (or {begun} {full}) (= {own} (= {bits(strobes, place, place)} #b1)))",
                f"(=> {own} (= {bits(port('held', step), (place + 1) * unit - 1, place * unit)} {data}))",
            ]
        agreements.append(found)
    room = f"(or (not {on_offer}) {port('beats__ready', 0)})"
    word, strobe = port("beats__payload.data", 0), port("beats__payload.strb", 0)
    claims = [
        *run.claims,
        f"(= {port('units__ready', 0)} (and {run.under_way} {room}))",
        f"(= {port('beats__valid', 0)} {on_offer})",
        f"(= {port('idle', 0)} (not (or {run.under_way} {on_offer})))",
    ]
    for place in places:
        own = f"(= {kept(f'there {place}')} #b1)"
        lanes = bits(strobe, (place + 1) * unit // 8 - 1, place * unit // 8)
        ones, zeros = number(-1, unit // 8), number(0, unit // 8)
        part = bits(word, (place + 1) * unit - 1, place * unit)
        claims.append(f"(=> {on_offer} (= {lanes} (ite {own} {ones} {zeros})))")
        claims.append(f"(=> (and {on_offer} {own}) (= {part} {kept(f'unit {place}')}))")
    some = bits(run.run["bytes"], run.low - 1, 0) if run.low else None
    assumed = [*run.assumed, *([f"(= {some} {number(0, run.low)})"] if some else [])]
    return induction(
        netlist, Record(widths, following, {}), (agreements[0], agreements[1]), claims, assumed=assumed
    )
