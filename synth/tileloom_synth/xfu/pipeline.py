"""CV32E40P with xDecimate in its pipeline: what each of its instructions does, in ID, EX and WB.

By induction on the whole core's netlist, with ``stalls``, for any one register of the file:

    ID  takes the words that are the unit's; the others of their opcode and funct3 are illegal
    EX  has rs1 and rs2 as everything older leaves them, and asks for the byte at rs1 + M csr[15:1] + o;
        the counter changes as it is left
    WB  writes rd, as the file of registers has it, with the byte that is answered in its place

Assumed is that the data bus answers what it has granted, once, and not before the next cycle (OBI).
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import COUNTER_BITS

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import port
from ..verify.solver import Query
from ..verify.specification import bits, number, widen
from .core import Core
from .instructions import address_of, byte_at, is_custom, is_decimate, is_swap, merged, no
from .stalls import answers, decimates, invariant, loads, moves, outstanding, swaps, waits

FOLLOWED = "register"
"""The number of a register, whichever, that is the same in all cycles."""


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
