"""What a datasheet says of an xDecimate unit: text, and its blocks."""

from __future__ import annotations

from tileloom.xfu.config import Host, XfuConfig

from ..package.block_diagram import Arrow, Box, block_svg


def summary(config: XfuConfig) -> str:
    """Return what the design is, in a paragraph."""
    sizes = " and ".join(f"1:{size}" for size in config.group_sizes)
    where = {
        Host.UNIT: "It is the unit behind streams, for a core of your own, which decodes and loads.",
        Host.CV_X_IF: "It is a coprocessor on CV-X-IF, with what CV32E40X needs beyond that.",
        Host.PCPI: "It is a coprocessor on PCPI with a load port of its own.",
        Host.CV32E40P: "",
    }[config.host]
    return (
        f"A functional unit for the RISC-V instruction xDecimate, for weights of {sizes}: an instruction "
        "loads the one "
        f"activation that a packed offset points at into a byte of rd, and counts. {where}"
    )


def meanings(config: XfuConfig) -> dict[str, str]:
    """Return what each interface or port is for, by its name."""
    return {
        "instructions": "decoded instructions in program order",
        "commit": "with `commit_valid`: commits all up to this tag, or kills all from it on",
        "loads": "a byte to load, of a committed instruction",
        "loaded": "its answer, in the cycle of the transfer or later",
        "results": "what to write to rd, or that the load failed",
        "offer_committed": "this cycle's commit is also for what is on offer",
        "executing": "an instruction is committed and not complete",
        "counter": "csr, the counter",
        "x_if": "CORE-V-XIF without `req` and `resp` in the names: X_NUM_RS 3, X_MEM_WIDTH 32, "
        f"X_ID_WIDTH {config.id_width}",
        "load_error": "a load failed, until an xdecimate.counter completes",
    }


def blocks(config: XfuConfig) -> str:
    """Return the block diagram as SVG."""
    boxes = {
        "waiting": Box("waiting for\nits commit", 1, 1),
        "executing": Box("executing:\naddress", 2, 1),
        "write_back": Box("write back:\nbyte into rd", 2, 2),
        "counter": Box("counter, csr", 1, 2),
    }
    arrows = [
        Arrow("waiting", "executing"),
        Arrow("executing", "write_back"),
        Arrow("write_back", "counter"),
        Arrow("counter", "waiting"),
    ]
    if config.host is Host.UNIT:
        boxes |= {
            "instructions": Box("instructions,\ncommit", 0, 1, outside=True),
            "loads": Box("loads, loaded", 3, 1, outside=True),
            "results": Box("results", 3, 2, outside=True),
        }
        arrows += [Arrow("instructions", "waiting"), Arrow("executing", "loads", both=True)]
        return block_svg("xDecimate unit", boxes, [*arrows, Arrow("write_back", "results")])
    boxes |= {
        "issue": Box("issue", -1, 1, outside=True),
        "commit": Box("commit", -1, 0, outside=True),
        "mem": Box("mem,\nmem_result", 3, 1, outside=True),
        "result": Box("result", 3, 2, outside=True),
        "decode": Box("decode", 0, 1),
        "guard": Box("guard: when\nto accept", 0, 2),
        "commits": Box("commits, kills", 1, 0),
    }
    arrows += [
        Arrow("issue", "decode"),
        Arrow("decode", "waiting"),
        Arrow("guard", "decode"),
        Arrow("commit", "commits"),
        Arrow("commits", "waiting"),
        Arrow("executing", "mem", both=True),
        Arrow("write_back", "result"),
    ]
    return block_svg("xDecimate coprocessor", boxes, arrows)


def programming(config: XfuConfig) -> list[str]:
    """Return how to use the design, step by step."""
    return [
        "Pack weights and offsets (`tileloom_golden.xfu.packing`).",
        "Clear the counter: `xdecimate.counter x0, x0`.",
        "For each word of offsets execute the instructions in pairs, one for each of two sums.",
        "After four pairs both registers have four activations: a 4 x 8-bit dot product with a word of "
        "weights each.",
        "At a context switch save the counter with `xdecimate.counter rd, x0`, and swap it back the same "
        "way.",
    ]


def figures(config: XfuConfig) -> dict[str, str]:
    """Return what each figure of the manifest's ``timing`` means."""
    return {"stages": "stages of the pipeline: decode, execute, write back"}


def throughput(config: XfuConfig) -> str:
    """Return the most that the design does in a cycle."""
    if config.host is Host.UNIT:
        return (
            "One instruction in two cycles, where memory answers in the cycle after the request, as above; "
            "each cycle that it takes longer is one more."
        )
    cycles = (3, 4) if config.precise_errors else (2, 3)
    return (
        f"On CV32E40X with memory that answers in a cycle, {cycles[0]} cycles an instruction where rd "
        f"alternates, as in the kernels, and {cycles[1]} where it is the same again."
    )


def unchecked(config: XfuConfig) -> frozenset[str]:
    """Return words of commands that are not for this design; a unit has no core to run on."""
    return frozenset({"simulate"} if config.host is Host.UNIT else ())
