"""The coprocessor on CV-X-IF gives what is specified, whatever a host does within the interface's rules.

The state of the specification is that of ``instructions``, here driven by what crosses CV-X-IF, with the unit
inside; beside it goes what the interface adds:

    issue --> on offer: committed?      accepted when rd is not about to be written by what moved on before
    mem   --> refused in the last cycle, so offered on                                result held back, error

What the host must do is in docs/xdecimate.md, "The coprocessor on CV-X-IF". Assumed of it is only that a
result of memory comes for a request that was made, once, with its id; ids, commits, kills are any.
"""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.lib import wiring

from tileloom.coprocessor.cv32e40x import DIVIDE_CYCLES, MISC_MEM, OP, OTHER_CYCLES, SYSTEM
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv_x_if import FAULT, INTERRUPT_CYCLES, LOAD_ACCESS_FAULT, MACHINE_MODE, CvXIf

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number
from .instructions import (
    UnitState,
    address,
    agreement,
    byte_at,
    completion,
    following,
    is_decimate,
    is_one,
    is_swap,
    no,
    of_incoming,
)

MOVED = ("last", "before")
"""The words in ID in the last two cycles in which the pipeline moved: in EX and in WB at the latest."""

ISSUE = ("accept", "writeback", "loadstore", "exc")
RESULT = ("id", "data", "rd", "we", "exc", "exccode", "err")
REQUEST = ("id", "addr", "mode", "we", "size", "be", "attr", "wdata", "last", "spec")


def adapter_proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a coprocessor."""
    of = (config.label, "", 0)
    title = "CV-X-IF: rd, counter, loads, errors"
    return [Proof(title, *of, "induction", lambda: adapter_queries(AdapterState(config)))]


class AdapterState(UnitState):
    """The coprocessor's netlist, and what crosses its ports as the unit's instructions, loads and results."""

    fault_bits = FAULT.size
    inside = "unit."

    @classmethod
    def component(cls, config: XfuConfig) -> wiring.Component:
        """Return what the netlist is of."""
        return CvXIf(config)

    @property
    def symbols(self) -> dict[str, int]:
        """The names of the state and their bits."""
        moved = {f"{word} {what}": width for word in MOVED for what, width in (("rd", 5), ("writes", 1))}
        own = {"offer committed": 1, "refused": 1, "load error": 1, "held": 3, "wait": 6}
        return {**super().symbols, **own, **moved}

    def seen(self, name: str, step: int = 0) -> str:
        """Return what crosses a port of the unit, by what crosses CV-X-IF."""
        if name in self._named:
            return port(self._named[name], step)
        word = port("issue_instr", step)
        refused = all_of(*(port(f"mem_{signal}", step) for signal in ("valid", "ready", "exc")))
        found: str = {
            "instructions__valid": all_of(port("issue_valid", step), self.ours(word)),
            "instructions__payload.committed": is_one(kept("offer committed", step)),
            "instructions__payload.swap": is_swap(word),
            "instructions__payload.funct2": bits(word, 26, 25),
            "instructions__payload.rd": bits(word, 11, 7),
            "loaded_valid": any_of(refused, port("mem_result_valid", step)),
            "loaded_byte": byte_at(port("mem_result_rdata", step), bits(address(self, step), 1, 0)),
            "loaded_fault": self._fault(refused, step),
        }[name]
        return found

    _named = {
        **{f"commit_{signal}": f"commit_{signal}" for signal in ("valid", "kill")},
        "commit_tag": "commit_id",
        "instructions__ready": "issue_ready",
        "instructions__payload.tag": "issue_id",
        **{f"instructions__payload.rs{index}": f"issue_rs{index}" for index in (1, 2, 3)},
        **{
            f"{stream}__{signal}": f"{channel}_{signal}"
            for stream, channel in (("loads", "mem"), ("results", "result"))
            for signal in ("valid", "ready")
        },
    }

    def _fault(self, refused: str, step: int) -> str:
        """Return what is wrong with a load: exccode, exc and err."""
        precise = self.config.precise_errors
        error = f"(concat {number(LOAD_ACCESS_FAULT if precise else 0, 6)} {'#b1' if precise else '#b0'} #b1)"
        exception = f"(concat {port('mem_exccode', step)} #b1 #b0)"
        failed = port("mem_result_err", step)
        return f"(ite {refused} {exception} (ite {failed} {error} {number(0, FAULT.size)}))"

    def ours(self, word: str) -> str:
        """Return whether a word is one of the unit's instructions."""
        return any_of(is_decimate(self.config, word), is_swap(word))


def adapter_queries(state: AdapterState) -> list[Query]:
    """Return the queries of the proof."""
    return induction(
        state.netlist,
        Record(state.symbols, {**following(state), **_following(state)}, {}),
        ([*agreement(state, 0), *_agreement(state, 0)], [*agreement(state, 1), *_agreement(state, 1)]),
        _offers(state),
        leads_to=_leads_to(state),
        assumed=_assumed(),
    )


def _assumed() -> Iterator[str]:
    """Yield the rule of the host that is needed: a result of memory is for the request, once, with its id."""
    same = f"(= {port('mem_result_id', 0)} {kept('older tag')})"
    asked = all_of(is_one(kept("asked")), no(is_one(kept("answered"))), same)
    yield f"(=> {port('mem_result_valid', 0)} {asked})"


def _executing(state: AdapterState, step: int = 0) -> str:
    """Return whether the older instruction was committed before and is on its way."""
    return state.register("executing", step)


def _failed(state: AdapterState) -> str:
    """Return whether the older instruction's load has failed, or does in this cycle."""
    may, _, fault = completion(state)
    return all_of(_executing(state), may, no(f"(= {fault} {number(0, FAULT.size)})"))


def _held_back(state: AdapterState) -> str:
    """Return whether the result of a failed load is held back."""
    over = f"(= {kept('held')} {number(INTERRUPT_CYCLES, 3)})"
    return all_of(_failed(state), no(over)) if state.config.precise_errors else "false"


def _moving(state: AdapterState) -> str:
    """Return whether EX takes what is in ID (rule 2), and is not kept by one of ours that may trap."""
    trapping = "false"
    if state.config.precise_errors:
        trapping = all_of(_executing(state), no(is_one(kept("older swap"))), port("result_ready", 0))
    return all_of(port("mem_ready", 0), no(port("mem_valid", 0)), no(trapping))


def _clear(rd: str) -> str:
    """Return whether a register is not about to be written by what is in EX or WB."""
    writers = [all_of(is_one(kept(f"{word} writes")), f"(= {kept(f'{word} rd')} {rd})") for word in MOVED]
    return all_of(f"(= {kept('wait')} {number(0, 6)})", no(any_of(*writers)))


def _following(state: AdapterState) -> dict[str, str]:
    """Return what the interface adds to the state, after a cycle without a reset."""
    word = port("issue_instr", 0)
    opcode, funct3 = bits(word, 6, 0), bits(word, 14, 12)
    multiplies = all_of(f"(= {opcode} {number(OP, 7)})", f"(= {bits(word, 31, 25)} {number(1, 7)})")
    divides = all_of(multiplies, is_one(bits(word, 14, 14)))
    stays = any_of(
        all_of(multiplies, no(f"(= {funct3} {number(0, 3)})")),
        *(f"(= {opcode} {number(each, 7)})" for each in (MISC_MEM, SYSTEM)),
    )
    moving, waiting = _moving(state), no(f"(= {kept('wait')} {number(0, 6)})")
    less = f"(ite {all_of(moving, waiting)} (bvsub {kept('wait')} {number(1, 6)}) {kept('wait')})"
    long, short = number(DIVIDE_CYCLES, 6), number(OTHER_CYCLES, 6)
    offered = all_of(port("issue_valid", 0), no(port("issue_ready", 0)))
    committed = any_of(is_one(kept("offer committed")), of_incoming(state, kill=False))
    taken = all_of(port("result_valid", 0), port("result_ready", 0))
    more = f"(bvadd {kept('held')} {number(1, 3)})"
    cleared = f"(ite {all_of(taken, is_one(kept('older swap')))} #b0 {kept('load error')})"
    return {
        "offer committed": bit(all_of(offered, committed)),
        "refused": bit(all_of(port("mem_valid", 0), no(port("mem_ready", 0)))),
        "load error": f"(ite {_failed(state)} #b1 {cleared})",
        "held": f"(ite {_held_back(state)} {more} (ite {taken} {number(0, 3)} {kept('held')}))",
        "wait": f"(ite {divides} {long} (ite {stays} {short} {less}))",
        "last rd": f"(ite {moving} {bits(word, 11, 7)} {kept('last rd')})",
        "last writes": f"(ite {moving} {bit(no(state.ours(word)))} {kept('last writes')})",
        "before rd": f"(ite {moving} {kept('last rd')} {kept('before rd')})",
        "before writes": f"(ite {moving} {kept('last writes')} {kept('before writes')})",
    }


def _agreement(state: AdapterState, step: int) -> Iterator[str]:
    """Yield how the adapter's registers and the specification's state belong together."""
    flags = {"offer committed": "committed", "refused": "begun", "load error": "load_error"}
    flags |= {"last writes": "guard.ex_writes", "before writes": "guard.wb_writes"}
    words = {"last rd": "guard.in_ex", "before rd": "guard.in_wb", "wait": "guard.wait"}
    held = kept("held", step)
    if state.config.precise_errors:
        words["held"] = "waited"
    for name, register in flags.items():
        yield f"(= {port(register, step)} {is_one(kept(name, step))})"
    for name, register in words.items():
        yield f"(= {port(register, step)} {kept(name, step)})"
    yield f"(bvule {kept('wait', step)} {number(DIVIDE_CYCLES, 6)})"
    yield f"(bvule {held} {number(INTERRUPT_CYCLES, 3)})"
    executing, swap = _executing(state, step), is_one(kept("older swap", step))
    asked, answered = (is_one(kept(name, step)) for name in ("asked", "answered"))
    fault = f"(= {kept('fault', step)} {number(0, FAULT.size)})"
    yield f"(=> {no(f'(= {held} {number(0, 3)})')} {all_of(executing, no(swap), answered, no(fault))})"
    yield f"(=> {is_one(kept('refused', step))} {all_of(executing, no(swap), no(asked))})"
    yield f"(=> {asked} (= {port('place', step)} {bits(address(state, step), 1, 0)}))"


def _offers(state: AdapterState) -> Iterator[str]:
    """Yield what crosses CV-X-IF in step 0, by the specification's state."""
    word, precise = port("issue_instr", 0), state.config.precise_errors
    ours, decimate, swap = state.ours(word), is_decimate(state.config, word), is_swap(word)
    # Issue: what the word is, at once; ours where rs3 is up to date, EX takes it and there is room.
    for name, value in (("accept", ours), ("writeback", ours), ("loadstore", decimate)):
        yield f"(= {port(f'issue_{name}', 0)} {value})"
    yield f"(= {port('issue_exc', 0)} {decimate if precise else 'false'})"
    ready = [is_one(bits(port("issue_rs_valid", 0), index, index)) for index in range(3)]
    may_go = all_of(ready[0], any_of(swap, all_of(*ready)), _moving(state), _clear(bits(word, 11, 7)))
    older, younger = (is_one(kept(f"{place} there")) for place in ("older", "younger"))
    taken = all_of(port("result_valid", 0), port("result_ready", 0))
    empty, full = no(older), all_of(younger, no(taken))
    uncommitted = any_of(
        *(
            all_of(
                there,
                no(is_one(kept(f"{place} committed"))),
                no(state.covers(kept(f"{place} tag"), kill=False)),
            )
            for place, there in (("older", older), ("younger", younger))
        )
    )
    yield f"(=> {no(ours)} {port('issue_ready', 0)})"
    yield f"(=> {all_of(ours, port('issue_ready', 0))} {all_of(may_go, no(full), no(uncommitted))})"
    yield f"(=> {all_of(ours, may_go, empty)} {port('issue_ready', 0)})"
    # Memory: the load of what is committed, once, begun where it is in WB.
    where = address(state)
    swaps = is_one(kept("older swap"))
    asks = all_of(_executing(state), no(swaps), no(is_one(kept("asked"))))
    begins = any_of(port("result_ready", 0), is_one(kept("refused")))
    yield f"(= {port('mem_valid', 0)} {all_of(asks, begins)})"
    constants = {"mode": (MACHINE_MODE, 2), "size": (0, 3), "attr": (0, 2), "wdata": (0, 32)}
    request = [
        f"(= {port('mem_addr', 0)} {where})",
        f"(= {port('mem_id', 0)} {kept('older tag')})",
        f"(= {port('mem_be', 0)} (bvshl {number(1, 4)} (concat #b00 {bits(where, 1, 0)})))",
        *(f"(= {port(f'mem_{name}', 0)} {number(*value)})" for name, value in constants.items()),
        *(no(port(f"mem_{name}", 0)) for name in ("we", "spec")),
        port("mem_last", 0),
    ]
    yield f"(=> {port('mem_valid', 0)} {all_of(*request)})"
    # Result: in the cycle of the answer, or later where it is held back.
    may, data, fault = completion(state)
    yield f"(= {port('result_valid', 0)} {all_of(_executing(state), may, no(_held_back(state)))})"
    exception = is_one(bits(fault, 1, 1))
    result = [
        f"(= {port('result_id', 0)} {kept('older tag')})",
        f"(= {port('result_rd', 0)} {kept('older rd')})",
        f"(= {port('result_data', 0)} {data})",
        f"(= {port('result_we', 0)} {no(exception)})",
        f"(= {port('result_exc', 0)} {exception})",
        f"(= {port('result_exccode', 0)} {bits(fault, 7, 2)})",
        f"(= {port('result_err', 0)} {is_one(bits(fault, 0, 0))})",
    ]
    yield f"(=> {port('result_valid', 0)} {all_of(*result)})"
    yield f"(= {port('load_error', 0)} {is_one(kept('load error'))})"


def _leads_to(state: AdapterState) -> Iterator[str]:
    """Yield what a cycle leads to: what is on offer is held, and nothing waits for ever."""
    for channel, payload in (("mem", REQUEST), ("result", RESULT)):
        waits = all_of(port(f"{channel}_valid", 0), no(port(f"{channel}_ready", 0)))
        same = [f"(= {port(f'{channel}_{name}', 0)} {port(f'{channel}_{name}', 1)})" for name in payload]
        yield f"(=> {waits} {all_of(port(f'{channel}_valid', 1), *same)})"
    taken = all_of(port("result_valid", 0), port("result_ready", 0))
    waits = all_of(is_one(kept("older there")), is_one(kept("older committed")), no(taken))
    yield f"(=> {waits} {_executing(state, 1)})"
    # A word of ours in ID is clear of those before it after some 40 cycles in which the pipeline moves.
    word = port("issue_instr", 0)
    ours, moving, clear = state.ours(word), _moving(state), _clear(bits(word, 11, 7))
    writes = (
        f"(concat #b0000 {' '.join(kept(f'{each} writes', step) for each in MOVED)})" for step in (0, 1)
    )
    left, then = (f"(bvadd {kept('wait', step)} {each})" for step, each in enumerate(writes))
    yield f"(=> {all_of(ours, moving, no(clear))} (bvult {then} {left}))"
    yield f"(=> {ours} (bvule {then} {left}))"
