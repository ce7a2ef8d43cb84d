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
