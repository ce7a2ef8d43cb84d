"""The AXI4 master's channels: beats belong to bursts, and an error on control data ends writing.

Beside the netlist of what writes, and of what reads, goes a record of handshakes: bursts that were taken and
are not through, and one of them, whichever, with its place among them:

    AW, as bursts are taken --> W, as many beats as it said, last on the last --> B, in order
    AR, as bursts are asked for --> R, each beat to who asked

Four bursts at most are on their way (``OUTSTANDING``). What cuts runs into bursts is proved in ``bursts``,
and in ``verify.streams`` that AR, AW and W are held. It is assumed that memory answers what it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tileloom.engine.axi.engine import AxiEngine
from tileloom.engine.axi.read import OUTSTANDING, ReadChannel
from tileloom.engine.axi.signals import result_job
from tileloom.engine.axi.write import WriteClient
from tileloom.engine.config import EngineConfig
from tileloom.engine.drain import result_layout

from ..verify.induction import NOTHING, Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number

CLIENTS = ("descriptors", "activations", "index", "weights")
"""Of the read channel, in their order."""

CONTROL = ("descriptors", "index")
"""Whose data decides how many of anything there are: an error there ends the program (docs/engine.md)."""

COUNT = 3
"""Bits of a number of bursts."""

PLACE = 2
"""Bits of a place in a queue of ``OUTSTANDING``."""


def master_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of an AXI4 engine's channels."""

    def writes() -> list[Query]:
        client = WriteClient(config, result_layout(config).size, result_job(config))
        return write_queries(config, open_netlist(client, free=("cutter", "beats")))

    def reads() -> list[Query]:
        return read_queries(config, open_netlist(ReadChannel(config, len(CLIENTS))))

    def stops() -> list[Query]:
        return stop_queries(open_netlist(AxiEngine(config)), waited=not config.wrapper)

    of = (config.label, "", 0)
    return [
        Proof("writes: beats of bursts, answers in order", *of, "induction", writes),
        Proof("reads: beats to who asked, in order", *of, "induction", reads),
        Proof("an error on control data ends writing; status stays", *of, "a step from any state", stops),
    ]


def moves(stream: str, step: int = 0) -> str:
    """Return that a stream's payload is taken."""
    return f"(and {port(f'{stream}__valid', step)} {port(f'{stream}__ready', step)})"


class Followed:
    """A burst, whichever, that is followed through a queue of bursts on their way.

    Parameters
    ----------
    name, queue:
        Of its parts in the record; of the queue in the netlist.
    begins, word:
        Condition that a burst is taken, and what the queue is given, which ``width`` bits tell.
    ends:
        Condition that the oldest is through.
    """

    def __init__(self, name: str, queue: str, begins: str, word: str, width: int, ends: str) -> None:
        self.name, self.queue = name, f"{queue}.storage"
        self.begins, self.word, self.ends = begins, word, ends
        # ``pick`` is free in each cycle: any burst may be the one.
        self.widths = {f"{name} pick": 1, f"{name} owed": COUNT, f"{name} followed": 1}
        self.widths |= {f"{name} ahead": COUNT, f"{name} word": width}

    def part(self, what: str, step: int = 0) -> str:
        """Return a part of the record."""
        return kept(f"{self.name} {what}", step)

    @property
    def room(self) -> str:
        """That one more may be on its way."""
        return f"(bvult {self.part('owed')} {number(OUTSTANDING, COUNT)})"

    @property
    def oldest(self) -> str:
        """That the burst which is followed is the oldest."""
        return f"(and (= {self.part('followed')} #b1) (= {self.part('ahead')} {number(0, COUNT)}))"

    def following(self) -> Mapping[str, str]:
        """Return the record after a cycle without a reset."""
        one = number(1, COUNT)
        followed, ahead, owed = (self.part(what) for what in ("followed", "ahead", "owed"))
        picked = f"(and {self.begins} (= {self.part('pick')} #b1) (= {followed} #b0))"
        before = f"(ite {self.ends} (bvsub {owed} {one}) {owed})"
        after = {
            "owed": f"(ite {self.begins} (bvadd {before} {one}) {before})",
            "followed": f"(ite {picked} #b1 (ite (and {self.ends} {self.oldest}) #b0 {followed}))",
            "ahead": f"(ite {picked} {before} (ite {self.ends} (bvsub {ahead} {one}) {ahead}))",
            "word": f"(ite {picked} {self.word} {self.part('word')})",
        }
        return {f"{self.name} {what}": value for what, value in after.items()}

    def agreement(self, step: int) -> Iterator[str]:
        """Yield how the queue and the record belong together."""
        level, first, end = (
            port(f"{self.queue}.{name}", step) for name in ("level", "r_port__addr", "w_port__addr")
        )
        owed, ahead = self.part("owed", step), self.part("ahead", step)
        yield f"(= {level} {owed})"
        yield f"(bvule {owed} {number(OUTSTANDING, COUNT)})"
        yield f"(= {end} (bvadd {first} {bits(owed, PLACE - 1, 0)}))"
        place = f"(bvadd {first} {bits(ahead, PLACE - 1, 0)})"
        stored = [
            f"(=> (= {place} {number(index, PLACE)}) (= {port(f'{self.queue}.storage[{index}]', step)} "
            f"{self.part('word', step)}))"
            for index in range(OUTSTANDING)
        ]
        followed = f"(= {self.part('followed', step)} #b1)"
        yield f"(=> {followed} {all_of(f'(bvult {ahead} {owed})', *stored)})"


def write_queries(config: EngineConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof of AW, W and B; what cuts bursts and makes beats may give anything."""
    taken, beat, last = moves("bursts"), moves("w"), port("w__payload.last", 0)
    burst = port("bursts__payload", 0)
    ended = f"(and {beat} {last})"
    answered = moves("b")
    lengths = Followed("data", "lengths", taken, port("bursts__payload.len", 0), 8, ended)
    answers = Followed(
        "answer", "addresses", taken, port("bursts__payload.addr", 0), config.address_bits, answered
    )
    widths = {"beats": 8, "offered": 1, "burst": config.address_bits + 8, "stopped": 1}
    waits = f"(and {port('w__valid', 0)} (not {port('w__ready', 0)}))"
    following = {
        "beats": f"(ite {ended} {number(0, 8)} (ite {beat} (bvadd {kept('beats')} {number(1, 8)}) "
        f"{kept('beats')}))",
        "offered": f"(ite {taken} #b1 (ite {port('aw__ready', 0)} #b0 {kept('offered')}))",
        "burst": f"(ite {taken} {burst} {kept('burst')})",
        "stopped": f"(ite {waits} {kept('stopped')} {bit(port('stop', 0))})",
    }

    def agreement(step: int) -> Iterator[str]:
        yield from lengths.agreement(step)
        yield from answers.agreement(step)
        yield f"(= {port('sent', step)} {kept('beats', step)})"
        offered = f"(= {kept('offered', step)} #b1)"
        yield f"(= {port('aw__valid', step)} {offered})"
        yield f"(=> {offered} (= {port('aw__payload', step)} {kept('burst', step)}))"
        yield f"(= {port('dropping', step)} (= {kept('stopped', step)} #b1))"

    none = number(0, COUNT)
    at_length = f"(= {kept('beats')} {lengths.part('word')})"
    free = f"(or (= {kept('offered')} #b0) {port('aw__ready', 0)})"
    goes_on = all_of(port("bursts__valid", 0), lengths.room, answers.room, free)
    there = f"(or {port('beats__valid', 0)} (= {kept('stopped')} #b1))"
    strobes = port("w__payload.strb", 0)
    claims = [
        f"(=> (and {port('w__valid', 0)} {lengths.oldest}) (= {last} {at_length}))",
        f"(= {port('b__ready', 0)} (bvugt {answers.part('owed')} {none}))",
        f"(= {port('error', 0)} (and {answered} (= {bits(port('b__payload', 0), 1, 1)} #b1)))",
        f"(=> (and {port('error', 0)} {answers.oldest}) (= {port('address', 0)} {answers.part('word')}))",
        f"(= {taken} (and (not {port('stop', 0)}) {goes_on}))",
        f"(= {port('w__valid', 0)} (and {there} (bvugt {lengths.part('owed')} {none})))",
        f"(=> (= {kept('stopped')} #b1) (= {strobes} {number(0, config.bus // 8)}))",
        f"(=> {port('idle', 0)} (= {answers.part('owed')} {none}))",
    ]
    record = Record(
        {**lengths.widths, **answers.widths, **widths},
        {**lengths.following(), **answers.following(), **following},
        {},
    )
    return induction(netlist, record, (agreement(0), agreement(1)), claims)


def read_queries(config: EngineConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof of AR and R."""
    asked = [moves(f"requests_{index}") for index in range(len(CLIENTS))]
    taken = any_of(*asked)
    request, route = number(0, config.address_bits + 8), number(0, config.address_bits + PLACE)
    for index, moved in enumerate(asked):
        payload = port(f"requests_{index}__payload", 0)
        request = f"(ite {moved} {payload} {request})"
        address = port(f"requests_{index}__payload.addr", 0)
        route = f"(ite {moved} (concat {address} {number(index, PLACE)}) {route})"
    beat = port("r__valid", 0)
    ended = f"(and {beat} {port('r__payload.last', 0)})"
    routes = Followed("route", "routes", taken, route, config.address_bits + PLACE, ended)
    following = {
        "offered": f"(ite {taken} #b1 (ite {port('ar__ready', 0)} #b0 {kept('offered')}))",
        "request": f"(ite {taken} {request} {kept('request')})",
        "served": f"(ite {taken} {bits(route, PLACE - 1, 0)} {kept('served')})",
    }

    def agreement(step: int) -> Iterator[str]:
        yield from routes.agreement(step)
        offered = f"(= {kept('offered', step)} #b1)"
        yield f"(= {port('ar__valid', step)} {offered})"
        yield f"(=> {offered} (= {port('ar__payload', step)} {kept('request', step)}))"
        yield f"(= {port('served', step)} {kept('served', step)})"

    client = bits(routes.part("word"), PLACE - 1, 0)
    address = bits(routes.part("word"), config.address_bits + PLACE - 1, PLACE)
    to = [
        f"(= (= {bits(port('beat_valid', 0), index, index)} #b1) (= {client} {number(index, PLACE)}))"
        for index in range(len(CLIENTS))
    ]
    apart = [f"(not (and {one} {other}))" for place, one in enumerate(asked) for other in asked[place + 1 :]]
    asks = [port(f"requests_{index}__valid", 0) for index in range(len(CLIENTS))]
    free = f"(or (= {kept('offered')} #b0) {port('ar__ready', 0)})"
    # Of those that ask the first after the one that was served last.
    turns = []
    for last in range(len(CLIENTS)):
        order = [(last + 1 + place) % len(CLIENTS) for place in range(len(CLIENTS))]
        turns += [
            f"(=> (and (= {kept('served')} {number(last, PLACE)}) {asks[one]}) (not {asked[other]}))"
            for place, one in enumerate(order)
            for other in order[place + 1 :]
        ]
    told = f"(= {port('address', 0)} {address})"
    failed = f"(= {bits(port('r__payload.resp', 0), 1, 1)} #b1)"
    claims = [
        *apart,
        port("r__ready", 0),
        f"(= {taken} {all_of(any_of(*asks), routes.room, free)})",
        *turns,
        f"(=> (and {beat} {routes.oldest}) {all_of(*to, told)})",
        f"(=> (not {beat}) (= {port('beat_valid', 0)} {number(0, len(CLIENTS))}))",
        f"(= {port('error', 0)} (and {beat} {failed}))",
        f"(= {port('idle', 0)} (= {routes.part('owed')} {number(0, COUNT)}))",
    ]
    record = Record(
        {**routes.widths, "offered": 1, "request": config.address_bits + 8, "served": PLACE},
        {**routes.following(), **following},
        {},
    )
    answers = f"(=> {beat} (bvugt {routes.part('owed')} {number(0, COUNT)}))"
    return induction(netlist, record, (agreement(0), agreement(1)), claims, assumed=[answers])


def stop_queries(netlist: Netlist, *, waited: bool) -> list[Query]:
    """Return the query that what writes is stopped from the error on, until the status is taken.

    The status is offered only once no burst is on its way, read or written, and stays as it is until it is
    taken, if there is no beat on R that was not asked for. Without ``waited`` it is taken at once.
    """
    steering = any_of(
        *(
            f"(= {bits(port('channel.beat_valid', 0), CLIENTS.index(name), CLIENTS.index(name))} #b1)"
            for name in CONTROL
        )
    )
    failed = f"(and {port('channel.error', 0)} {steering})"
    stopped, told = f"(or {failed} {port('ended', 0)})", moves("status")
    idle = port("channel.idle", 0)
    same = [
        f"(= {port(f'status__payload.{field}', 0)} {port(f'status__payload.{field}', 1)})"
        for field in ("error", "write", "response", "fault", "address")
    ]
    held = all_of(port("status__valid", 1), *same)
    return induction(
        netlist,
        NOTHING,
        ((), ()),
        [
            f"(=> {stopped} {port('write.stop', 0)})",
            f"(=> {port('status__valid', 0)} (and {port('write.idle', 0)} {idle}))",
        ],
        leads_to=[
            f"(=> (and {stopped} (not {told})) {port('ended', 1)})",
            f"(=> (and {port('status__valid', 0)} (not {told})) {held})",
        ],
        assumed=[
            f"(=> {idle} (not {port('r__valid', 0)}))",
            *([] if waited else [port("status__ready", 0)]),
        ],
    )
