"""CV32E40P with xDecimate in its pipeline: what each of its instructions does, and that none waits for ever.

By induction on the whole core's netlist:

    ID  waits for EX to be left and for a load that brings rs1 or rs2, not for rd, and for nothing else
    EX  asks for the byte at rs1 + M csr[15:1] + o; is left when the bus has granted that and answered what
        was asked before, two events at most; the counter changes as it is left
    WB  writes rd, as the file of registers has it, with the byte that is answered in its place

Assumed is that the data bus answers what it has granted, once, and not before the next cycle (OBI).
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.stages import DATA_TYPE
from tileloom.xfu.instruction import COUNTER_BITS, FUNCT2

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import port
from ..verify.solver import Query
from ..verify.specification import bits, number, widen
from .core import Core
from .instructions import address_of, byte_at, is_custom, is_decimate, is_swap, merged, no

MULH = 6
"""Operator of a multiplication in several cycles (``MUL_H`` in ``cv32e40p_pkg``)."""

FOLLOWED = "register"
"""The number of a register, whichever, that is the same in all cycles."""

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


def stages_queries(config: XfuConfig, ours: Core) -> list[Query]:
    """Return the queries of what an instruction of the unit waits for, and what it does."""
    return induction(
        ours.netlist,
        Record({FOLLOWED: 5}, {FOLLOWED: kept(FOLLOWED)}, {FOLLOWED: kept(FOLLOWED)}),
        ([*invariant(config, 0), *rd_conditions(0)], [*invariant(config, 1), *rd_conditions(1)]),
        [*waits(), *decodes(config), *asks(config), *writes()],
        leads_to=[*moves(), *enters(), *counts(config)],
        assumed=[answers()],
    )


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
    swap = port("id_stage_i.xfu_swap_dec", 0)
    load_in_ex = all_of(port("regfile_we_ex", 0), any_of(*needs, swap))
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


def decodes(config: XfuConfig) -> Iterator[str]:
    """Yield which words are the unit's, and that the others of its opcode and funct3 are illegal."""
    word = port("id_stage_i.instr", 0)
    ours = (is_decimate(config, word), is_swap(word))
    for name, own in zip(("decimate", "swap"), ours, strict=True):
        yield f"(= {port(f'id_stage_i.xfu_{name}_dec', 0)} {own})"
    yield f"(=> {all_of(is_custom(word), no(any_of(*ours)))} {port('id_stage_i.illegal_insn_dec', 0)})"


def enters() -> Iterator[str]:
    """Yield that EX has an instruction that leaves ID, whole, and no other, and none that was killed."""
    goes = all_of(port("id_valid", 0), no(port("id_stage_i.deassert_we", 0)))
    word, rd = port("id_stage_i.instr", 0), f"(concat #b0 {bits(port('id_stage_i.instr', 0), 11, 7)})"

    def read(operand: str, high: int) -> str:
        """Return that an operand is what the file then has of its register, which no load will write."""
        value, number_of = port(f"alu_operand_{operand}_ex", 1), bits(word, high, high - 4)
        none = all_of(f"(= {number_of} {number(0, 5)})", no(f"(= {value} {number(0, 32)})"))
        whole = all_of(f"(= {value} {in_file(1)})", no(owed(1)))
        return all_of(no(none), f"(=> {all_of(f'(= {number_of} {kept(FOLLOWED)})', is_register())} {whole})")

    decimate = [
        *(read("a", 19), read("b", 24)),
        f"(= {bits(port('bmask_a_ex', 1), 1, 0)} {bits(word, 26, 25)})",
        f"(= {port('regfile_waddr_ex', 1)} {rd})",
    ]
    swap = [read("a", 19), port("regfile_alu_we_ex", 1), f"(= {port('regfile_alu_waddr_ex', 1)} {rd})"]
    for name, there, own in (("decimate", decimates, decimate), ("swap", swaps, swap)):
        comes = all_of(port(f"id_stage_i.xfu_{name}_dec", 0), goes)
        yield f"(=> {all_of(comes, no(port('rst', 0)))} {all_of(there(1), *own)})"
        stays = all_of(there(0), no(port("ex_ready", 0)))
        yield f"(=> {there(1)} {any_of(comes, stays)})"


def asks(config: XfuConfig) -> Iterator[str]:
    """Yield what EX asks the bus for, and what a swap writes."""
    where = address_in_ex(config)
    request = [
        f"(= {port('data_addr_o', 0)} {where})",
        f"(= {port('data_be_o', 0)} (bvshl {number(1, 4)} {widen(bits(where, 1, 0), 2)}))",
        no(port("data_we_o", 0)),
    ]
    yield f"(=> {all_of(decimates(), port('data_req_o', 0))} {all_of(*request)})"
    counter = widen(port("xfu_counter", 0), 32 - COUNTER_BITS)
    written = [
        port("regfile_alu_we_fw_power", 0),
        f"(= {port('regfile_alu_waddr_fw', 0)} {port('regfile_alu_waddr_ex', 0)})",
        f"(= {port('regfile_alu_wdata_fw', 0)} {counter})",
    ]
    yield f"(=> {all_of(swaps(), port('ex_ready', 0))} {all_of(*written)})"


def address_in_ex(config: XfuConfig) -> str:
    """Return where the xdecimate in EX loads from."""
    rs1, rs2 = port("alu_operand_a_ex", 0), port("alu_operand_b_ex", 0)
    return address_of(config, port("xfu_counter", 0), rs1, rs2, bits(port("bmask_a_ex", 0), 1, 0))


def counts(config: XfuConfig) -> Iterator[str]:
    """Yield how the counter changes, and what goes along from EX to WB."""
    counter, left = port("xfu_counter", 0), port("ex_ready", 0)
    swapped = bits(port("alu_operand_a_ex", 0), COUNTER_BITS - 1, 0)
    more = f"(bvadd {counter} {number(1, COUNTER_BITS)})"
    after = f"(ite {swaps()} {swapped} (ite {decimates()} {more} {counter}))"
    yield f"(= {port('xfu_counter', 1)} (ite {left} {after} {counter}))"
    along = [
        f"(= {port('load_store_unit_i.data_sign_ext_q', 1)} {bits(counter, 2, 1)})",
        f"(= {port('load_store_unit_i.rdata_offset_q', 1)} {bits(address_in_ex(config), 1, 0)})",
        f"(= {port('regfile_waddr_fw_wb_o', 1)} {port('regfile_waddr_ex', 0)})",
    ]
    yield f"(=> {all_of(decimates(), left)} {all_of(loads(1), *along)})"
    waits = all_of(loads(), no(port("data_rvalid_i", 0)))
    held = (
        *("load_store_unit_i.data_sign_ext_q", "load_store_unit_i.rdata_offset_q", "regfile_waddr_fw_wb_o"),
    )
    yield f"(=> {waits} {all_of(loads(1), *(f'(= {port(name, 0)} {port(name, 1)})' for name in held))})"


def writes() -> Iterator[str]:
    """Yield that WB writes the byte that is answered into its place of rd as the file of registers has it."""
    byte = byte_at(port("data_rdata_i", 0), port("load_store_unit_i.rdata_offset_q", 0))
    word = merged(byte, in_file(0), port("load_store_unit_i.data_sign_ext_q", 0))
    written = all_of(port("regfile_we_wb_power", 0), f"(= {port('regfile_wdata', 0)} {word})")
    answered = all_of(loads(), port("data_rvalid_i", 0), is_followed("regfile_waddr_fw_wb_o", 0))
    yield f"(=> {answered} {written})"


def is_register() -> str:
    """Return whether the register that is followed is one, and not x0."""
    return no(f"(= {kept(FOLLOWED)} {number(0, 5)})")


def is_followed(signal: str, step: int) -> str:
    """Return whether a number of a register is that of the one that is followed."""
    return all_of(f"(= {port(signal, step)} {widen(kept(FOLLOWED), 1)})", is_register())


def owed(step: int) -> str:
    """Return whether a load in WB is still to write the register that is followed."""
    return all_of(port("regfile_we_wb", step), is_followed("regfile_waddr_fw_wb_o", step))


def in_file(step: int) -> str:
    """Return what the file of registers has of the one that is followed."""
    file, found = port("id_stage_i.register_file_i.mem", step), number(0, 32)
    for index in range(1, 32):
        found = (
            f"(ite (= {kept(FOLLOWED)} {number(index, 5)}) {bits(file, 32 * index + 31, 32 * index)} {found})"
        )
    return found


def rd_conditions(step: int) -> Iterator[str]:
    """Yield where rd of an instruction of the unit is, until it is written: in EX, and in WB.

    In WB the last word loaded is rd. In EX it is the operand, or the load just before brings it.
    """
    last = f"(= {port('load_store_unit_i.rdata_q', step)} {in_file(step)})"
    operand = f"(= {port('alu_operand_c_ex', step)} {in_file(step)})"
    chained = port("xfu_chained_ex", step)
    ex = all_of(decimates(step), is_followed("regfile_waddr_ex", step))
    wb = all_of(loads(step), is_followed("regfile_waddr_fw_wb_o", step))
    yield f"(=> {wb} {last})"
    yield f"(=> {all_of(ex, chained)} (ite {outstanding(step)} {owed(step)} {last}))"
    yield f"(=> {all_of(ex, no(chained))} {all_of(no(owed(step)), operand)})"
    # What is younger does not write what a load in WB will: ID knows its register from EX, where it stays.
    younger = all_of(port("regfile_alu_we_ex", step), is_followed("regfile_alu_waddr_ex", step))
    yield f"(=> {owed(step)} {no(younger)})"
    same = f"(= {port('regfile_waddr_ex', step)} {port('regfile_waddr_fw_wb_o', step)})"
    stays = any_of(no(port("regfile_we_ex", step)), port("data_misaligned_ex", step))
    yield f"(=> {all_of(port('regfile_we_wb', step), stays)} {same})"
