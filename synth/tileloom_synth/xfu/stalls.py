"""CV32E40P with xDecimate: what its stages hold, and that an instruction of the unit waits for the bus alone.

    ID  waits for EX to be left and for a load that brings rs1 or rs2, not for rd, and for nothing else
    EX  is left when the bus has granted what is asked for and answered what was asked before: two events at
        most, of which one is always owed

What an instruction gives is in ``pipeline``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.stages import DATA_TYPE
from tileloom.xfu.instruction import FUNCT2

from ..verify.induction import all_of, any_of
from ..verify.netlist import port
from ..verify.specification import bits, number
from .instructions import no

MULH = 6
"""Operator of a multiplication in several cycles (``MUL_H`` in ``cv32e40p_pkg``)."""

OUTSTANDING = "load_store_unit_i.cnt_q"
"""How many accesses the bus has granted and not answered: two at most."""


def is_(signal: str, value: int, width: int, step: int = 0) -> str:
    """Return whether a signal has a value."""
    return f"(= {port(signal, step)} {number(value, width)})"


def decimates(step: int = 0) -> str:
    """Return whether an xdecimate is in EX."""
    return all_of(port("data_req_ex", step), is_("data_type_ex", DATA_TYPE, 2, step))


def swaps(step: int = 0) -> str:
    """Return whether an xdecimate.counter is in EX."""
    return port("xfu_swap_ex", step)


def loads(step: int = 0) -> str:
    """Return whether an xdecimate is in WB: what is answered next is its."""
    return all_of(outstanding(step), is_("load_store_unit_i.data_type_q", DATA_TYPE, 2, step))


def outstanding(step: int = 0) -> str:
    """Return whether the bus owes an answer."""
    return no(is_(OUTSTANDING, 0, 2, step))


def answers() -> str:
    """Return what is assumed of the data bus."""
    return f"(=> {port('data_rvalid_i', 0)} {outstanding()})"


def invariant(config: XfuConfig, step: int) -> Iterator[str]:
    """Yield what is so in all states that the core comes to."""
    request, branch, swap = (port(name, step) for name in ("data_req_ex", "branch_in_ex", "xfu_swap_ex"))
    multiplies, divides = (port(name, step) for name in ("mult_en_ex", "ex_stage_i.alu_i.div_valid"))
    # EX has one instruction, which is of one kind; multiplier and divider work for it or rest.
    alone = [request, branch, swap, multiplies, divides]
    yield from (no(all_of(one, other)) for place, one in enumerate(alone) for other in alone[place + 1 :])
    for state, width, last, works in (
        ("ex_stage_i.mult_i.mulh_CS", 3, 4, all_of(multiplies, is_("mult_operator_ex", MULH, 3, step))),
        ("ex_stage_i.alu_i.alu_div_i.State_SP", 2, 2, divides),
    ):
        yield f"(bvule {port(state, step)} {number(last, width)})"
        yield f"(=> {no(is_(state, 0, width, step))} {works})"
    yield no(port("apu_en_ex", step))  # there is no FPU
    yield f"(bvule {port(OUTSTANDING, step)} {number(2, 2)})"
    yield f"(=> {is_(OUTSTANDING, 2, 2, step)} {request})"
    yield f"(=> {port('data_misaligned_ex', step)} {request})"
    own = [port(name, step) for name in ("regfile_we_ex", "useincr_addr_ex")]
    other = [port(name, step) for name in ("data_we_ex", "data_misaligned_ex", "regfile_alu_we_ex")]
    funct2 = bits(port("bmask_a_ex", step), 1, 0)
    known = any_of(*(f"(= {funct2} {number(FUNCT2[size], 2)})" for size in config.group_sizes))
    yield f"(=> {decimates(step)} {all_of(known, *own, *map(no, other))})"
    yield f"(=> {swap} {all_of(port('regfile_alu_we_ex', step), no(port('csr_access_ex', step)))})"
    # What writes through the load/store unit is a load: in EX with its request, in WB with its answer owed.
    # Of a misaligned access the first half is in WB while the second is in EX.
    in_ex, in_wb, half = (
        port(name, step) for name in ("regfile_we_ex", "regfile_we_wb", "data_misaligned_ex")
    )
    stored = port("load_store_unit_i.data_we_q", step)
    yield f"(=> {in_ex} {all_of(request, no(port('data_we_ex', step)))})"
    yield f"(=> {in_wb} {all_of(outstanding(step), no(stored))})"
    yield f"(=> {all_of(half, in_wb)} {in_ex})"
    yield f"(=> {loads(step)} {all_of(in_wb, no(half))})"


def waits() -> Iterator[str]:
    """Yield what an instruction of the unit waits for in step 0."""
    granted = all_of(port("data_req_o", 0), port("data_gnt_i", 0))
    answered = port("data_rvalid_i", 0)
    ends = any_of(
        all_of(is_(OUTSTANDING, 0, 2), granted),
        all_of(is_(OUTSTANDING, 1, 2), granted, answered),
        all_of(is_(OUTSTANDING, 2, 2), answered),
    )
    yield f"(=> {decimates()} (= {port('ex_ready', 0)} {ends}))"
    yield f"(=> {decimates()} {any_of(port('data_req_o', 0), outstanding())})"
    yield f"(=> {decimates()} {no(port('data_misaligned', 0))})"
    yield f"(=> {swaps()} (= {port('ex_ready', 0)} {any_of(no(outstanding()), answered)}))"
    stalls = [port(f"id_stage_i.{name}", 0) for name in ("load_stall", "misaligned_stall")]
    yield f"(=> {in_id()} (= {port('id_ready', 0)} {all_of(port('ex_ready', 0), *map(no, stalls))}))"
    needs = [port(f"id_stage_i.reg_d_ex_is_reg_{name}_id", 0) for name in "ab"]
    rd = f"(concat #b0 {bits(port('id_stage_i.instr', 0), 11, 7)})"
    overtakes = all_of(port("id_stage_i.xfu_swap_dec", 0), f"(= {port('regfile_waddr_ex', 0)} {rd})")
    load_in_ex = all_of(port("regfile_we_ex", 0), any_of(*needs, overtakes))
    load_in_wb = all_of(port("regfile_we_wb", 0), no(answered))
    yield f"(=> {all_of(in_id(), stalls[0])} {any_of(load_in_ex, load_in_wb)})"


def in_id() -> str:
    """Return whether a word of the unit is in ID."""
    return any_of(*(port(f"id_stage_i.xfu_{name}_dec", 0) for name in ("decimate", "swap")))


def moves() -> Iterator[str]:
    """Yield that each event of the bus brings an instruction nearer to its end, and nothing takes it back."""
    events = [all_of(port("data_req_o", 0), port("data_gnt_i", 0)), port("data_rvalid_i", 0)]
    left = [f"(ite {is_(OUTSTANDING, 1, 2, step)} {number(2, 2)} {number(1, 2)})" for step in (0, 1)]
    operands = ("alu_operand_b_ex", "alu_operand_c_ex", "bmask_a_ex", "regfile_waddr_ex", "xfu_chained_ex")
    for there, names in ((decimates, operands), (swaps, ("regfile_alu_waddr_ex",))):
        same = [f"(= {port(name, 0)} {port(name, 1)})" for name in ("alu_operand_a_ex", *names)]
        yield f"(=> {all_of(there(), no(port('ex_ready', 0)))} {all_of(there(1), *same)})"
    stays = all_of(decimates(), no(port("ex_ready", 0)))
    yield f"(=> {stays} (bvule {left[1]} {left[0]}))"
    yield f"(=> {all_of(stays, any_of(*events))} (bvult {left[1]} {left[0]}))"
    # Where ID waits for a load in EX, nothing follows that into EX.
    waiting = all_of(in_id(), port("id_stage_i.load_stall", 0), no(port("id_stage_i.misaligned_stall", 0)))
    yield f"(=> {all_of(waiting, port('ex_ready', 0))} {no(port('data_req_ex', 1))})"
