"""The xDecimate unit: any sequence of instructions, commits, kills, waits and errors gives what is specified.

Beside the netlist the specification's state is kept: the counter, and of the instructions that were taken and
are neither done nor killed, two at most, their operands, whether they are committed, and what became of their
load. It changes by what crosses the ports, and by the rules of docs/xdecimate.md alone:

    taken ---> [younger] ---> [older, committed] ---> result taken: rd, counter + 1
                   |                 |
                 killed          load, answer

What the unit offers must be what that state says, wherever the unit's registers agree with it; that they
agree is what a reset in any state establishes, and every cycle keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.lib import wiring

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import COUNTER_BITS, FUNCT2, FUNCT2_COUNTER, FUNCT3, OPCODE
from tileloom.xfu.unit import Unit

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number, widen

FAULT_BITS = 1
PLACES = ("older", "younger")
LOAD = ("loads__payload.tag", "loads__payload.address")
OPERANDS = {"rd": 5, "rs1": 32, "rs2": 32, "rs3": 32}


def instruction_proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit."""
    of = (config.label, "", 0)
    how = "induction"
    return [Proof("instructions: rd, counter, loads", *of, how, lambda: queries(UnitState(config)))]


class UnitState:
    """The unit's netlist, all signals by their names, and the specification's state beside it, as symbols."""

    fault_bits = FAULT_BITS
    inside = ""
    """What the names of the unit's registers begin with."""

    def __init__(self, config: XfuConfig, netlist: Netlist | None = None) -> None:
        self.config = config
        self.netlist = netlist or open_netlist(self.component(config))
        self.fields = {"tag": config.id_width, "swap": 1, **OPERANDS}
        if len(config.group_sizes) > 1:
            self.fields["funct2"] = 2

    @classmethod
    def component(cls, config: XfuConfig) -> wiring.Component:
        """Return what the netlist is of."""
        return Unit(config, tag_bits=config.id_width, fault_bits=cls.fault_bits)

    @property
    def symbols(self) -> dict[str, int]:
        """The names of the state and their bits; a condition has one."""
        found = {"counter": COUNTER_BITS, "asked": 1, "answered": 1, "byte": 8, "fault": self.fault_bits}
        for place in PLACES:
            found |= {f"{place} there": 1, f"{place} committed": 1}
            found |= {f"{place} {name}": width for name, width in self.fields.items()}
        return found

    def seen(self, name: str, step: int = 0) -> str:
        """Return what crosses a port of the unit in a step, a condition where it is one bit."""
        return port(name, step)

    def offered(self, name: str) -> str:
        """Return a field of the instruction at the port in step 0, as bits."""
        return as_bits(self.seen(f"instructions__payload.{name}"), self.fields[name])

    def register(self, name: str, step: int) -> str:
        """Return a register of the unit, a condition where it is one bit."""
        return port(f"{self.inside}{name}", step)

    def covers(self, tag: str, *, kill: bool) -> str:
        """Return whether this cycle's commit, or kill, is for an instruction with a tag.

        A commit is for this tag and all older ones, a kill for this and all younger ones, modulo the tags.
        """
        ahead = f"(bvsub {self.seen('commit_tag')} {tag})"
        younger = is_one(bits(ahead, self.config.id_width - 1, self.config.id_width - 1))
        killed = self.seen("commit_kill")
        asked = f"(and {self.seen('commit_valid')} {killed if kill else no(killed)})"
        same = f"(= {ahead} {number(0, self.config.id_width)})"
        return f"(and {asked} {f'(or {younger} {same})' if kill else no(younger)})"


def as_bits(value: str, width: int) -> str:
    """Return a signal, a condition where it is one bit, as bits."""
    return bit(value) if width == 1 else value


def is_one(value: str) -> str:
    """Return whether a bit is 1."""
    return f"(= {value} #b1)"


def no(condition: str) -> str:
    """Return that a condition does not hold."""
    return f"(not {condition})"


def is_decimate(config: XfuConfig, word: str) -> str:
    """Return whether a word is an xdecimate whose group size is built."""
    built = any_of(*(f"(= {bits(word, 26, 25)} {number(FUNCT2[size], 2)})" for size in config.group_sizes))
    return all_of(is_custom(word), built, f"(= {bits(word, 31, 27)} {bits(word, 11, 7)})")


def is_swap(word: str) -> str:
    """Return whether a word is an xdecimate.counter."""
    none = [f"(= {bits(word, high, high - 4)} {number(0, 5)})" for high in (31, 24)]
    return all_of(is_custom(word), f"(= {bits(word, 26, 25)} {number(FUNCT2_COUNTER, 2)})", *none)


def is_custom(word: str) -> str:
    """Return whether a word has the opcode and funct3 that are the unit's."""
    return f"(and (= {bits(word, 6, 0)} {number(OPCODE, 7)}) (= {bits(word, 14, 12)} {number(FUNCT3, 3)}))"


def address(state: UnitState, step: int = 0) -> str:
    """Return where the older instruction loads from."""
    operands = (kept(name, step) for name in ("counter", "older rs1", "older rs2", "older funct2"))
    return address_of(state.config, *operands)


def address_of(config: XfuConfig, counter: str, rs1: str, rs2: str, funct2: str) -> str:
    """Return where an xdecimate loads from: rs1 + M csr[15:1] + o mod M."""
    found = None
    for size in config.group_sizes:
        width = 2 if size == 4 else 4
        count = 32 // width
        place = bits(counter, count.bit_length() - 2, 0)
        shift = f"(bvmul {widen(place, 32 - count.bit_length() + 1)} {number(width, 32)})"
        field = f"(bvand (bvlshr {rs2} {shift}) {number(min(size, 1 << width) - 1, 32)})"
        pair = widen(bits(counter, COUNTER_BITS - 1, 1), 33 - COUNTER_BITS)
        group = f"(bvmul {number(size, 32)} {pair})"
        one = f"(bvadd {rs1} (bvadd {group} {field}))"
        chosen = f"(= {funct2} {number(FUNCT2[size], 2)})"
        found = one if found is None else f"(ite {chosen} {one} {found})"
    assert found is not None
    return found


def byte_at(word: str, place: str) -> str:
    """Return a byte of a word, by two bits."""
    shift = f"(bvshl {widen(place, 30)} {number(3, 32)})"
    return bits(f"(bvlshr {word} {shift})", 7, 0)


def merged(byte: str, rd: str, lane: str) -> str:
    """Return rd with a byte in the lane csr[2:1]."""
    shift = f"(bvshl {widen(lane, 30)} {number(3, 32)})"
    mask = f"(bvshl {number(255, 32)} {shift})"
    return f"(bvor (bvand {rd} (bvnot {mask})) (bvshl {widen(byte, 24)} {shift}))"


def queries(state: UnitState) -> list[Query]:
    """Return the queries of the proof."""
    return induction(
        state.netlist,
        Record(state.symbols, following(state), {}),
        (agreement(state, 0), agreement(state, 1)),
        _offers(state),
        leads_to=_goes_on(state),
        assumed=_answers(state),
    )


def _answers(state: UnitState) -> Iterator[str]:
    """Yield what is assumed: an answer comes to a load that was asked for, once; the group size is there."""
    asked = any_of(is_one(kept("asked")), f"(and {state.seen('loads__valid')} {state.seen('loads__ready')})")
    yield f"(=> {state.seen('loaded_valid')} {all_of(asked, no(is_one(kept('answered'))))})"
    if "funct2" in state.fields:
        yield any_of(state.seen("instructions__payload.swap"), _known(state, state.offered("funct2")))


def _known(state: UnitState, funct2: str) -> str:
    """Return whether a group size is one of those that the unit is for."""
    return any_of(*(f"(= {funct2} {number(FUNCT2[size], 2)})" for size in state.config.group_sizes))


def completion(state: UnitState) -> tuple[str, str, str]:
    """Return whether the older instruction may give its result, its data, and how its load failed."""
    older, swap = is_one(kept("older there")), is_one(kept("older swap"))
    answered = any_of(is_one(kept("answered")), state.seen("loaded_valid"))
    may = all_of(older, is_one(kept("older committed")), any_of(swap, answered))
    byte = f"(ite {is_one(kept('answered'))} {kept('byte')} {state.seen('loaded_byte')})"
    told = as_bits(state.seen("loaded_fault"), state.fault_bits)
    none = number(0, state.fault_bits)
    fault = f"(ite {swap} {none} (ite {is_one(kept('answered'))} {kept('fault')} {told}))"
    rd = kept("older rs3")
    loaded = f"(ite (= {fault} {none}) {merged(byte, rd, bits(kept('counter'), 2, 1))} {rd})"
    data = f"(ite {swap} {widen(kept('counter'), 32 - COUNTER_BITS)} {loaded})"
    return may, data, fault


def _offers(state: UnitState) -> Iterator[str]:
    """Yield what the unit must offer in step 0, by the specification's state."""
    may, data, fault = completion(state)
    older, younger = (is_one(kept(f"{place} there")) for place in PLACES)
    yield f"(= {state.seen('counter')} {kept('counter')})"
    yield f"(= {state.seen('offer_committed')} {of_incoming(state, kill=False)})"
    yield f"(=> {state.seen('results__valid')} {may})"
    result = [
        f"(= {state.seen(f'results__payload.{name}')} {kept(f'older {name}')})" for name in ("tag", "rd")
    ]
    result += [
        f"(= {state.seen('results__payload.swap')} {is_one(kept('older swap'))})",
        f"(= {state.seen('results__payload.data')} {data})",
        f"(= {as_bits(state.seen('results__payload.fault'), state.fault_bits)} {fault})",
    ]
    yield f"(=> {state.seen('results__valid')} {all_of(*result)})"
    asks = all_of(
        *(older, is_one(kept("older committed")), no(is_one(kept("older swap"))), no(is_one(kept("asked")))),
        f"(= {state.seen('loads__payload.address')} {address(state)})",
        f"(= {state.seen('loads__payload.tag')} {kept('older tag')})",
    )
    yield f"(=> {state.seen('loads__valid')} {asks})"
    # Nothing is taken behind one that is not committed, and nothing where two are.
    waiting = any_of(
        all_of(older, no(is_one(kept("older committed"))), no(meant(state, "older", kill=False))),
        all_of(younger, no(is_one(kept("younger committed"))), no(meant(state, "younger", kill=False))),
        all_of(younger, no(all_of(state.seen("results__valid"), state.seen("results__ready")))),
    )
    yield f"(=> {waiting} {no(state.seen('instructions__ready'))})"
    # And it goes on: room where there is none inside, a load or a result of what is committed.
    yield f"(=> {no(older)} {state.seen('instructions__ready')})"


def meant(state: UnitState, place: str, *, kill: bool) -> str:
    """Return whether this cycle's commit, or kill, is for an instruction inside."""
    return state.covers(kept(f"{place} tag"), kill=kill)


def of_incoming(state: UnitState, *, kill: bool) -> str:
    """Return whether this cycle's commit, or kill, is for the instruction at the port.

    Of two in a row with the same tag it is for the one that is inside and waits for it.
    """
    tag, inside = state.offered("tag"), []
    for place in PLACES:
        waits = all_of(is_one(kept(f"{place} there")), no(is_one(kept(f"{place} committed"))))
        inside.append(
            all_of(waits, f"(= {kept(f'{place} tag')} {tag})", f"(= {state.seen('commit_tag')} {tag})")
        )
    return all_of(state.covers(tag, kill=kill), no(any_of(*inside)))


def following(state: UnitState) -> dict[str, str]:
    """Return the specification's state after a cycle without a reset, by name."""
    _, data, fault = completion(state)
    done = all_of(state.seen("results__valid"), state.seen("results__ready"))
    there, committed, kept_on = {}, {}, {}
    for place in PLACES:
        there[place] = is_one(kept(f"{place} there"))
        committed[place] = any_of(is_one(kept(f"{place} committed")), meant(state, place, kill=False))
        killed = all_of(no(is_one(kept(f"{place} committed"))), meant(state, place, kill=True))
        kept_on[place] = all_of(there[place], no(killed))
    stays = all_of(kept_on["older"], no(done))
    already = state.seen("instructions__payload.committed")
    commits, kills = (of_incoming(state, kill=kill) for kill in (False, True))
    kills = all_of(kills, no(already))
    taken = all_of(state.seen("instructions__valid"), state.seen("instructions__ready"), no(kills))

    def forwarded(register: str, rs3: str) -> str:
        same = f"(= {register} {kept('older rd')})"
        return f"(ite {all_of(done, same)} {data} {rs3})"

    def entry(source: str) -> dict[str, str]:
        if source == "instructions":
            found = {name: state.offered(name) for name in state.fields}
            found["rs3"] = forwarded(found["rd"], found["rs3"])
            return found | {"committed": bit(any_of(already, commits))}
        found = {name: kept(f"{source} {name}") for name in state.fields}
        if source == "younger":
            found["rs3"] = forwarded(found["rd"], found["rs3"])
        return found | {"committed": bit(committed[source])}

    older, younger, new = entry("older"), entry("younger"), entry("instructions")
    after = {}
    for name in (*state.fields, "committed"):
        after[f"older {name}"] = (
            f"(ite {stays} {older[name]} (ite {kept_on['younger']} {younger[name]} {new[name]}))"
        )
        after[f"younger {name}"] = f"(ite {all_of(stays, kept_on['younger'])} {younger[name]} {new[name]})"
    after["older there"] = bit(any_of(stays, kept_on["younger"], taken))
    both = any_of(all_of(stays, kept_on["younger"]), all_of(stays, taken), all_of(kept_on["younger"], taken))
    after["younger there"] = bit(both)
    asks = all_of(state.seen("loads__valid"), state.seen("loads__ready"))
    for name, happens in (("asked", asks), ("answered", state.seen("loaded_valid"))):
        after[name] = bit(all_of(no(done), any_of(is_one(kept(name)), happens)))
    told = as_bits(state.seen("loaded_fault"), state.fault_bits)
    for name, signal in (("byte", state.seen("loaded_byte")), ("fault", told)):
        after[name] = f"(ite {state.seen('loaded_valid')} {signal} {kept(name)})"
    stepped = f"(bvadd {kept('counter')} {number(1, COUNTER_BITS)})"
    swapped = f"(ite {is_one(kept('older swap'))} {bits(kept('older rs1'), COUNTER_BITS - 1, 0)} {stepped})"
    whole = f"(= {fault} {number(0, state.fault_bits)})"
    after["counter"] = f"(ite {all_of(done, whole)} {swapped} {kept('counter')})"
    return after


def _goes_on(state: UnitState) -> Iterator[str]:
    """Yield what a cycle leads to: loads are held, and what is committed asks for one or gives its result."""
    refused = all_of(state.seen("loads__valid"), no(state.seen("loads__ready")))
    held = [
        f"(= {state.seen(f'loads__payload.{name}')} {state.seen(f'loads__payload.{name}', 1)})"
        for name in ("tag", "address")
    ]
    yield f"(=> {refused} {all_of(state.seen('loads__valid', 1), *held)})"
    waits = all_of(is_one(kept("older there")), is_one(kept("older committed")))
    done = all_of(state.seen("results__valid"), state.seen("results__ready"))
    moves = any_of(is_one(kept("asked", 1)), state.seen("loads__valid", 1), state.seen("results__valid", 1))
    yield f"(=> {all_of(waits, no(done))} {moves})"
    answered = all_of(is_one(kept("answered", 1)), is_one(kept("older there", 1)))
    yield f"(=> {answered} {state.seen('results__valid', 1)})"


def agreement(state: UnitState, step: int) -> Iterator[str]:
    """Yield how the unit's registers and the specification's state belong together."""

    def flag(signal: str) -> str:
        return state.register(signal, step)

    def same(register: str, place: str) -> Iterator[str]:
        for name in state.fields:
            value = as_bits(state.register(f"{register}.{name}", step), state.fields[name])
            yield f"(= {value} {kept(f'{place} {name}', step)})"

    older, younger = (is_one(kept(f"{place} there", step)) for place in PLACES)
    executes, waits, committed = (flag(f"commitment.{name}") for name in ("executes", "waits", "committed"))
    yield f"(= {state.register('counter', step)} {kept('counter', step)})"
    yield f"(= {older} {any_of(executes, waits)})"
    yield f"(= {younger} {all_of(executes, waits)})"
    yield f"(=> {executes} {all_of(is_one(kept('older committed', step)), *same('head', 'older'))})"
    for place, here in (("younger", all_of(executes, waits)), ("older", all_of(no(executes), waits))):
        promised = f"(= {committed} {is_one(kept(f'{place} committed', step))})"
        yield f"(=> {here} {all_of(promised, *same('waiting', place))})"
    for name, signal in (("asked", "requested"), ("answered", "answered")):
        yield f"(= {flag(signal)} {is_one(kept(name, step))})"
        yield f"(=> {flag(signal)} {all_of(executes, no(is_one(kept('older swap', step))))})"
    yield f"(=> {flag('answered')} {flag('requested')})"
    whole = f"(= {kept('fault', step)} {number(0, state.fault_bits)})"
    read = [f"(=> {whole} (= {state.register('kept_byte', step)} {kept('byte', step)}))"]
    read.append(f"(= {as_bits(state.register('kept_fault', step), state.fault_bits)} {kept('fault', step)})")
    yield f"(=> {flag('answered')} {all_of(*read)})"
    if "funct2" in state.fields:
        for place in PLACES:
            known = _known(state, kept(f"{place} funct2", step))
            loads = all_of(is_one(kept(f"{place} there", step)), no(is_one(kept(f"{place} swap", step))))
            yield f"(=> {loads} {known})"
