"""The ports of a coprocessor on CV-X-IF: the signals of the interface as plain vectors."""

from __future__ import annotations

from amaranth.lib.wiring import In, Member, Out

REGISTER_PORTS = 3
"""X_NUM_RS of the host."""


def members(id_width: int) -> dict[str, Member]:
    """Return a flat port for every signal that means something here, from the coprocessor's side.

    X_NUM_RS is 3 and X_MEM_WIDTH 32; named as in the specification without ``req`` and ``resp``. The
    compressed interface is not served. ``load_error`` is ours: an interrupt line beside the interface.
    """
    return {
        "issue_valid": In(1),
        "issue_ready": Out(1),
        "issue_instr": In(32),
        "issue_id": In(id_width),
        **{f"issue_rs{number + 1}": In(32) for number in range(REGISTER_PORTS)},
        "issue_rs_valid": In(REGISTER_PORTS),
        "issue_accept": Out(1),
        "issue_writeback": Out(1),
        "issue_loadstore": Out(1),
        "issue_exc": Out(1),
        "commit_valid": In(1),
        "commit_id": In(id_width),
        "commit_kill": In(1),
        "mem_valid": Out(1),
        "mem_ready": In(1),
        "mem_id": Out(id_width),
        "mem_addr": Out(32),
        "mem_mode": Out(2),
        "mem_we": Out(1),
        "mem_size": Out(3),
        "mem_be": Out(4),
        "mem_attr": Out(2),
        "mem_wdata": Out(32),
        "mem_last": Out(1),
        "mem_spec": Out(1),
        "mem_exc": In(1),
        "mem_exccode": In(6),
        "mem_result_valid": In(1),
        "mem_result_id": In(id_width),
        "mem_result_rdata": In(32),
        "mem_result_err": In(1),
        "result_valid": Out(1),
        "result_ready": In(1),
        "result_id": Out(id_width),
        "result_data": Out(32),
        "result_rd": Out(5),
        "result_we": Out(1),
        "result_exc": Out(1),
        "result_exccode": Out(6),
        "result_err": Out(1),
        "load_error": Out(1),
    }


def members_of_1(id_width: int, hartid_width: int, registers: int) -> dict[str, Member]:
    """Return the same of CORE-V-XIF 1.0, which as published has no memory interface.

    X_NUM_RS is ``registers``, X_ISSUE_REGISTER_SPLIT 0: ``register.id`` and ``hartid`` are the issue's, and
    have no ports.
    """
    return {
        "issue_valid": In(1),
        "issue_ready": Out(1),
        "issue_instr": In(32),
        "issue_hartid": In(hartid_width),
        "issue_id": In(id_width),
        "issue_accept": Out(1),
        "issue_writeback": Out(1),
        "issue_register_read": Out(registers),
        "register_valid": In(1),
        "register_ready": Out(1),
        **{f"register_rs{number + 1}": In(32) for number in range(registers)},
        "register_rs_valid": In(registers),
        "commit_valid": In(1),
        "commit_hartid": In(hartid_width),
        "commit_id": In(id_width),
        "commit_kill": In(1),
        "result_valid": Out(1),
        "result_ready": In(1),
        "result_hartid": Out(hartid_width),
        "result_id": Out(id_width),
        "result_data": Out(32),
        "result_rd": Out(5),
        "result_we": Out(1),
    }
