"""The unit on PCPI gives what is specified, whatever words come, and whatever its memory does.

The state of the specification is counter and word of offsets, and beside it where a load is:

    pcpi_valid --> begun (no grant yet) --> asked --> answered: done, or failed and done a cycle later

Assumed is only that PicoRV32 keeps an instruction as it is until ``pcpi_ready``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import COUNTER_BITS, FUNCT2, FUNCT2_COUNTER, RS3_OFFSETS
from tileloom.xfu.pcpi import Pcpi

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number, widen
from .instructions import address_of, byte_at, is_custom, is_one, is_swap, merged, no

STATE = {"counter": COUNTER_BITS, "offsets": 32, "failed": 1, "load_error": 1}
"""What the unit and the specification have, by the name of the unit's register."""

LOAD = {"asked": "load_port.asked", "begun": "load_port.begun"}
KEPT = {"pcpi_insn": 32, "pcpi_rs1": 32, "pcpi_rs2": 32}
"""What the host keeps as it is."""


def pcpi_proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit on PCPI."""
    return [
        Proof(
            "PCPI: rd, counter, offsets, loads",
            config.label,
            "",
            0,
            "induction",
            lambda: queries(config, open_netlist(Pcpi(config))),
        )
    ]


def queries(config: XfuConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof of a unit's netlist."""
    widths = {**STATE, **dict.fromkeys(LOAD, 1), **KEPT, "open": 1}
    return induction(
        netlist,
        Record(widths, _following(config), {}),
        (_agreement(config, 0), _agreement(config, 1)),
        _claims(config),
        assumed=[f"(=> {is_one(kept('open'))} {_same()})"],
    )


def is_held(config: XfuConfig, word: str) -> str:
    """Return whether a word is an xdecimate of two operands whose group size is built."""
    built = any_of(*(f"(= {bits(word, 31, 25)} {number(FUNCT2[size], 7)})" for size in config.group_sizes))
    return all_of(is_custom(word), built, f"(= {bits(word, 24, 20)} {bits(word, 11, 7)})")


def is_swap_of_offsets(word: str) -> str:
    """Return whether a word is an xdecimate.offsets."""
    funct7 = RS3_OFFSETS << 2 | FUNCT2_COUNTER
    fields = f"(= {bits(word, 31, 25)} {number(funct7, 7)})", f"(= {bits(word, 24, 20)} {number(0, 5)})"
    return all_of(is_custom(word), *fields)


def _same() -> str:
    """Return that the host offers what it offered in the cycle before."""
    return all_of(port("pcpi_valid", 0), *(f"(= {port(name, 0)} {kept(name)})" for name in KEPT))


def _offered(config: XfuConfig) -> tuple[str, str, str]:
    """Return whether there is an xdecimate, an xdecimate.counter, an xdecimate.offsets."""
    word, valid = port("pcpi_insn", 0), port("pcpi_valid", 0)
    kinds = is_held(config, word), is_swap(word), is_swap_of_offsets(word)
    decimate, counter, offsets = (all_of(valid, kind) for kind in kinds)
    return decimate, counter, offsets


def _answered(*, fault: bool) -> str:
    """Return whether the load is answered in this cycle, with a fault or without."""
    error = port("load_err", 0)
    return all_of(is_one(kept("asked")), port("load_rvalid", 0), error if fault else no(error))


def _following(config: XfuConfig) -> dict[str, str]:
    """Return the specification's state after a cycle without a reset."""
    _, counter, offsets = _offered(config)
    good, bad, rs1 = _answered(fault=False), _answered(fault=True), port("pcpi_rs1", 0)
    requested = port("load_req", 0)
    counted = f"(bvadd {kept('counter')} {number(1, COUNTER_BITS)})"
    counted = f"(ite {good} {counted} {kept('counter')})"
    return {
        "counter": f"(ite {counter} {bits(rs1, COUNTER_BITS - 1, 0)} {counted})",
        "offsets": f"(ite {offsets} {rs1} {kept('offsets')})",
        "failed": bit(bad),
        "load_error": bit(any_of(bad, all_of(is_one(kept("load_error")), no(counter)))),
        "asked": bit(
            any_of(
                all_of(requested, port("load_gnt", 0)),
                all_of(is_one(kept("asked")), no(port("load_rvalid", 0))),
            )
        ),
        "begun": bit(all_of(requested, no(port("load_gnt", 0)))),
        "open": bit(all_of(port("pcpi_valid", 0), no(port("pcpi_ready", 0)))),
        **{name: port(name, 0) for name in KEPT},
    }


def _agreement(config: XfuConfig, step: int) -> Iterator[str]:
    """Yield how the unit's registers and the specification's state belong together."""
    for name, width in STATE.items():
        found = port(name, step)
        yield f"(= {bit(found) if width == 1 else found} {kept(name, step)})"
    for name, register in LOAD.items():
        yield f"(= {bit(port(register, step))} {kept(name, step)})"
    # A load is of an instruction that is kept, and is in one place at most.
    places = [is_one(kept(name, step)) for name in ("asked", "begun", "failed")]
    held = all_of(is_one(kept("open", step)), is_held(config, kept("pcpi_insn", step)))
    yield f"(=> {any_of(*places)} {held})"
    for place, one in enumerate(places):
        yield from (no(all_of(one, other)) for other in places[:place])


def _claims(config: XfuConfig) -> Iterator[str]:
    """Yield what the unit gives."""
    decimate, counter, offsets = _offered(config)
    good, failed = _answered(fault=False), is_one(kept("failed"))
    address = address_of(
        config,
        kept("counter"),
        port("pcpi_rs1", 0),
        kept("offsets"),
        bits(port("pcpi_insn", 0), 26, 25),
    )
    place = bits(address, 1, 0)
    ready, rd, request = port("pcpi_ready", 0), port("pcpi_rd", 0), port("load_req", 0)
    yield f"(= {ready} {any_of(counter, offsets, good, failed)})"
    yield f"(= {port('pcpi_wait', 0)} {any_of(decimate, counter, offsets)})"
    yield f"(=> {ready} (= {port('pcpi_wr', 0)} {no(failed)}))"
    byte = byte_at(port("load_rdata", 0), place)
    loaded = merged(byte, port("pcpi_rs2", 0), bits(kept("counter"), 2, 1))
    yield f"(=> {good} (= {rd} {loaded}))"
    yield f"(=> {counter} (= {rd} {widen(kept('counter'), 32 - COUNTER_BITS)}))"
    yield f"(=> {offsets} (= {rd} {kept('offsets')}))"

    may = any_of(no(port("stores_pending", 0)), is_one(kept("begun")))
    wanted = all_of(decimate, no(is_one(kept("asked"))), no(failed), may)
    yield f"(= {request} {wanted})"
    word = f"(concat {bits(address, 31, 2)} #b00)"
    lane = f"(bvshl {number(1, 4)} (concat #b00 {place}))"
    asked_for = f"(= {port('load_addr', 0)} {word})", f"(= {port('load_be', 0)} {lane})"
    yield f"(=> {request} {all_of(*asked_for)})"
    yield f"(= {port('load_rready', 0)} {is_one(kept('asked'))})"
