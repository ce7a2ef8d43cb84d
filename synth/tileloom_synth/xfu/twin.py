"""CV32E40P with xDecimate beside the core as it is installed: the same where no instruction of the unit is.

From any state that both are in, with the same at their ports: while no word of the unit is in ID and none of
its instructions in EX or WB, every output, stall and register is the same in both, cycle by cycle, and the
counter stays. A reset in any states begins it.
"""

from __future__ import annotations

from tileloom.xfu.instruction import COUNTER_BITS

from ..verify.induction import all_of
from ..verify.netlist import TOP, port
from ..verify.solver import Query
from .core import Core
from .instructions import no
from .stalls import answers, decimates, in_id, is_, loads

TWIN = "installed"
"""What the symbols of the core as it is installed begin with."""

SHOWN = (
    *("instr_req_o", "instr_addr_o", "data_req_o", "irq_ack_o", "irq_id_o", "core_sleep_o"),
    *("debug_havereset_o", "debug_running_o", "debug_halted_o"),
)
"""The outputs that always mean something."""

REQUEST = ("data_addr_o", "data_we_o", "data_be_o", "data_wdata_o")
"""Those that do with ``data_req_o``."""

STALLS = ("halt_if", "id_ready", "id_valid", "ex_ready", "ex_valid", "lsu_ready_wb")


def same_queries(ours: Core, plain: Core) -> list[Query]:
    """Return queries without a counterexample where the unit changes nothing while none of it is there."""

    def twin(text: str) -> str:
        return text.replace(f"|{TOP}", f"|{TWIN}")

    def same(signal: str, step: int) -> str:
        return f"(= {port(signal, step)} {twin(port(signal, step))})"

    def none_in_ex_and_wb(step: int) -> list[str]:
        return [no(decimates(step)), no(port("xfu_swap_ex", step)), no(loads(step))]

    lines = []
    for which in (ours, plain):
        own = [*which.netlist.step(0), *which.netlist.step(1), *which.netlist.clock(0)]
        lines += own if which is ours else list(map(twin, own))
    lines += [f"(assert {same(name, 0)})" for name in ours.inputs]
    held = all_of(*(same(name, 1) for name in plain.registers), *none_in_ex_and_wb(1))
    counts = f"(= {port('xfu_counter', 0)} {port('xfu_counter', 1)})"
    shown = [same(name, 0) for name in (*SHOWN, *STALLS)]
    shown += [f"(=> {port('data_req_o', 0)} {same(name, 0)})" for name in REQUEST]
    before = [*(same(name, 0) for name in plain.registers), *none_in_ex_and_wb(0), no(in_id()), answers()]

    def query(given: list[str], refuted: str) -> Query:
        return Query([*lines, *(f"(assert {each})" for each in given), f"(assert (not {refuted}))"], {})

    running = no(port("rst", 0))
    return [
        query([running, *before], all_of(*shown)),
        query([running, *before], all_of(held, counts)),
        query([port("rst", 0)], all_of(held, is_("xfu_counter", 0, COUNTER_BITS, 1))),
    ]
