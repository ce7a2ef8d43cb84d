"""What a datasheet says of a systolic array: text, and its blocks."""

from __future__ import annotations

from tileloom.systolic.config import Host, Port, SystolicConfig

from ..package.block_diagram import Arrow, Box, block_svg


def summary(config: SystolicConfig) -> str:
    """Return what the design is, in a paragraph."""
    port = (
        "Data goes through 32-bit words, one activation in and one result out a cycle."
        if config.port is Port.WORD
        else "Data goes in and out as whole vectors."
    )
    if config.host:
        where = "on CV-X-IF" if config.host is Host.CV_X_IF else "for a core of your own"
        port = f"It is a functional unit {where}: an instruction gives an activation and returns a result."
    buffered = "load while the one before computes" if config.double_buffer else "load between tiles"
    return (
        f"A weight-stationary systolic array of {config.rows} x {config.columns} processing elements: for a "
        "tile of "
        f"weights W, {config.rows} x {config.columns}, each vector of {config.rows} activations gives a "
        "vector of "
        f"{config.columns} results, `((psum + a0 w0) + a1 w1) + ...`, every product and every sum rounded "
        f"({config.rounding.value}). Activations are {config.activation}, weights {config.weight}, sums and "
        "results "
        f"{config.accumulator}. {port} A tile's weights {buffered}."
    )


def meanings(config: SystolicConfig) -> dict[str, str]:
    """Return what each interface or port is for, by its name without a prefix."""
    rows, columns = config.rows, config.columns
    if config.host:
        return {
            "x_if": "CORE-V-XIF without `req` and `resp` in the names: X_NUM_RS 3, X_MEM_WIDTH 32, "
            f"X_ID_WIDTH {config.id_width}; of `mem` only `mem_ready` is looked at",
            "load_error": "0: no instruction loads",
            "unit": "an operation at a time, which completes with `taken`",
            "operation": "funct7 of the instruction",
            "a": "rs1",
            "b": "rs2",
            "ready": "the operation can complete in this cycle; follows the inputs in the same cycle",
            "result": "while `ready`; through one adder from `b`, in the same cycle",
            "taken": "it completes: state changes at this clock edge; only while `ready`",
        }
    if config.port is Port.WORD:
        per = config.weights_per_word
        return {
            "weights": f"a tile of weights, row by row, row 0 first; {per} to a word, the first in the most "
            "significant bits",
            "activations": f"vectors of {rows}, one activation a word; `last` ends a tile's vectors",
            "results": f"vectors of {columns}, one result a word; `last` on a tile's last word",
        }
    return {
        "s_axi": "registers, 32 bits each",
        "irq": "an enabled bit of INTERRUPT_STATUS is set",
        "weights": f"a tile of weights in {rows} transfers, row 0 first; column 0 in the least significant "
        "bits",
        "activations": "one vector a transfer, row 0 in the least significant bits; `last` ends a tile's "
        "vectors",
        "psum_in": "what a vector's sums start from, column 0 in the least significant bits; one for each "
        "vector",
        "results": "one vector for each of activations, in order; `last` as there",
    }


def blocks(config: SystolicConfig) -> str:
    """Return the block diagram as SVG."""
    if config.host:
        return _unit_blocks(config)
    boxes = {
        "weights": Box("weights", 0, 0, outside=True),
        "activations": Box("activations", 0, 1, outside=True),
        "results": Box("results", 4, 2, outside=True),
        "loader": Box("weight\nloading", 1, 0),
        "skew": Box("skew of rows", 1, 1),
        "mesh": Box(f"{config.rows} x {config.columns}\nelements", 2, 1),
        "deskew": Box("deskew of\ncolumns", 2, 2),
    }
    arrows = [
        Arrow("weights", "loader"),
        Arrow("activations", "skew"),
        Arrow("loader", "mesh", "c"),
        Arrow("skew", "mesh"),
        Arrow("mesh", "deskew"),
    ]
    if config.port is Port.WORD:
        boxes["words"] = Box("words", 3, 2)
        arrows += [Arrow("deskew", "words"), Arrow("words", "results")]
    else:
        boxes |= {"psum_in": Box("psum_in", 0, 2, outside=True), "psum_skew": Box("skew of\nsums", 1, 2)}
        boxes["control"] = Box("control:\nenable, last", 3, 1)
        arrows += [Arrow("psum_in", "psum_skew"), Arrow("psum_skew", "mesh", "c"), Arrow("deskew", "results")]
        arrows += [Arrow("control", "mesh")]
    if config.wrapper:
        boxes |= {"s_axi": Box("s_axi, irq", 0, 3, outside=True), "registers": Box("registers", 1, 3)}
        boxes["job"] = Box("job: what the\nstreams let in", 2, 3)
        arrows += [Arrow("s_axi", "registers", both=True), Arrow("registers", "job", both=True)]
    return block_svg(f"systolic array, {config.rows} x {config.columns}", boxes, arrows)


def _unit_blocks(config: SystolicConfig) -> str:
    """Return the block diagram of an array that is a functional unit."""
    boxes = {
        "tile": Box("tile of\nweights", 2, 0),
        "vector": Box("vector\nbegun", 2, 1),
        "mesh": Box(f"{config.rows} x {config.columns}\nelements", 3, 1),
        "results": Box("results of\ntwo vectors", 3, 2),
        "sum": Box("adder of\npartial sums", 2, 2),
    }
    arrows = [Arrow("tile", "mesh", "-|"), Arrow("vector", "mesh"), Arrow("mesh", "results")]
    arrows += [Arrow("results", "sum")]
    if config.host is Host.UNIT:
        boxes |= {"operation": Box("operation,\na, b", 1, 1, outside=True)}
        boxes |= {"result": Box("result, ready", 1, 2, outside=True)}
        arrows += [Arrow("operation", "vector"), Arrow("operation", "tile", "|-"), Arrow("sum", "result")]
        return block_svg("array as a functional unit", boxes, arrows)
    boxes |= {
        "issue": Box("issue", -1, 1, outside=True),
        "commit": Box("commit", -1, 0, outside=True),
        "result": Box("result", -1, 2, outside=True),
        "decode": Box("decode, guard", 0, 1),
        "commits": Box("commits, kills", 0, 0),
        "executing": Box("executing", 1, 1),
    }
    arrows += [
        *(Arrow("issue", "decode"), Arrow("commit", "commits"), Arrow("decode", "executing")),
        *(Arrow("commits", "executing", "-|"), Arrow("executing", "vector"), Arrow("sum", "result")),
        Arrow("executing", "tile", "c"),
    ]
    return block_svg("array on CV-X-IF", boxes, arrows)


def programming(config: SystolicConfig) -> list[str]:
    """Return how to use the design, step by step."""
    if config.host:
        longest = max(config.rows, config.columns)
        return [
            "Take `tileloom_array.h`: the instructions for C and for the assembler, with this array's sizes.",
            "Give a tile of weights, word by word, with `tl.weight`: row by row, row 0 first.",
            f"Give vectors with {longest} `tl.step` each. A step returns a result of two vectors before, "
            "added to the partial sum in rs2: that of the tiles before along K, or x0.",
            f"Get the results of the last two vectors with {2 * config.columns} `tl.read`, or with the steps "
            "of the next tile's first two vectors.",
            "In an interrupt, save and restore the state as docs/coprocessor.md of Tileloom says.",
        ]
    last = "on the last word of the last vector" if config.port is Port.WORD else "with the last vector"
    if config.wrapper:
        return [
            "Hold the reset for one cycle or more. Read ID, and sizes from SIZE on, if they are not known.",
            "Write VECTORS, TILES and JOB; what has not changed need not be written again.",
            "Write 1 to INTERRUPT_ENABLE, if an interrupt is to tell the end.",
            "Write 1 to CONTROL. DMA controllers that serve the streams may be started before or after that.",
            f"Send weights, {config.rows} transfers a tile, and each tile's vectors, `last` with the last; "
            "`psum_in` is taken only where JOB says so.",
            "Wait for `irq`, or until bit 0 of INTERRUPT_STATUS is 1: the last result has been taken.",
            "Read FAULT: 0 is well, else FAULT_PLACE and FAULT_VECTOR say where.",
            "Write 1 to INTERRUPT_STATUS, so that the next job can be told from this.",
        ]
    steps = [
        "Hold the reset for one cycle or more.",
        f"Send a tile of weights: {config.rows} x {config.columns}, filled up with zeros where the matrix "
        "ends.",
        f"Send the vectors that go through it, `last` {last}. The two streams need no other synchronisation.",
    ]
    if config.port is Port.WORD:
        steps.append("Add the results of tiles along K on the host, in order of k: each tile starts from +0.")
    else:
        steps.append(
            "Send one transfer on `psum_in` for each vector: zeros for the first tile along K, the results "
            "of the "
            "tile before for the next ones. Hold it valid at 0 where there is nothing to add."
        )
    return [
        *steps,
        "Take a vector of results for each vector, in order. Back-pressure stalls the array and loses "
        "nothing.",
        "Leave tiles of zeros out: they change no bit of the result and take no time.",
    ]


def figures(config: SystolicConfig) -> dict[str, str]:
    """Return what each figure of the manifest's ``timing`` means."""
    if config.host:
        return {
            "weight_instructions_per_tile": "`tl.weight` for a tile",
            "step_instructions_per_vector": "`tl.step` for a vector",
            "vectors_behind": "vectors between a step and the one whose results it returns",
            "first_result_cycles": "cycles from a vector's last step until its first result is there",
            "last_result_cycles": "and until its last result is",
            "weights_released_cycles": "cycles from a tile's last vector until its weights may go",
        }
    stages = f"{config.multiply_stages} of the multiplier and {config.add_stages} of the adder"
    return {
        "cycles_per_vector": "cycles from one vector to the next, at best",
        "latency_cycles": f"cycles from a vector's transfer to its results, with stages: {stages}",
        "weight_transfers_per_tile": "transfers of `weights` for a tile",
        "activation_transfers_per_vector": "transfers of `activations` for a vector",
        "result_transfers_per_vector": "transfers of `results` for a vector",
        "weights_released_after_cycles": "cycles from a tile's last vector until its weights may go",
    }


def throughput(config: SystolicConfig) -> str:
    """Return the most that the design does in a cycle."""
    macs = config.rows * config.columns / config.step_interval
    if config.host:
        return f"{macs:g} multiplications and additions a cycle, while there is a `tl.step` in each."
    return f"{macs:g} multiplications and additions a cycle, while vectors come."


def unchecked(config: SystolicConfig) -> frozenset[str]:
    """Return words of commands that are not for this design; a unit has no core to run on."""
    if not config.host:
        return frozenset()
    core = {"simulate"} if config.host is Host.UNIT else set()
    return frozenset({"--mutate", "--coverage"} | core)
