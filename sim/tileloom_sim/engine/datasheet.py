"""What a datasheet says of a block-sparse engine: text, and its blocks."""

from __future__ import annotations

from tileloom.engine.config import Core, EngineConfig, EnginePort

from ..package.block_diagram import Arrow, Box, block_svg


def summary(config: EngineConfig) -> str:
    """Return what the design is, in a paragraph."""
    core = (
        "an INT8 dot product that sums in INT32"
        if config.core is Core.DOT_PRODUCT
        else f"a systolic array, {config.activation} x {config.weight}, sums in {config.accumulator}"
    )
    results = "requantised to INT8" if config.requantise else f"of {config.sum_bits} bits"
    port = {
        EnginePort.STREAM: "Commands and operands come in on streams, results go out on one.",
        EnginePort.AXI4: "It reads programs and operands from memory as an AXI4 master, and writes results.",
    }[config.port]
    registers = " A processor runs it through registers." if config.wrapper else ""
    return (
        f"A block-sparse engine: C = A x B, or a convolution, where B keeps only its blocks of {config.k} x "
        f"{config.n} "
        f"that are not zero; a block that is not stored costs no cycle. The core is {core}; a tile of A is "
        f"{config.m} x {config.k}, one of C {config.m} x {config.n}, results are {results}. {port}{registers}"
    )


def meanings(config: EngineConfig) -> dict[str, str]:
    """Return what each interface or port is for, by its name without a prefix."""
    return {
        "commands": "LOAD, CONV and WRITE, twelve slots of 16 bits",
        "index": "an entry for each block: row 13:0, 14 the column has no block, 15 last of its column",
        "weights": f"of each column a header of {config.header_beats} beats, then {config.block_beats} a "
        "block and tap",
        "activations": f"a unit of {config.k} channels of a pixel, channel 0 in the least significant bits",
        "results": f"{config.drain_rows} x {config.n} results; `last` ends a block column of a WRITE",
        "start": "address of the first descriptor of a program",
        "status": "how a program ended; bit 0 is an error, 5:4 the index, from bit 6 up the address",
        "busy": "something is waiting or under way, or a result is not taken",
        "fault": "an index entry broke a rule: bit 0 its row is too large, bit 1 not above the one before",
        "irq": "an enabled bit of INTERRUPT_STATUS is set",
        "s_axi": "registers, 32 bits each",
        "m_axi": f"programs, operands and results; bursts of at most {config.burst_beats} beats, one ID",
    }


def blocks(config: EngineConfig) -> str:
    """Return the block diagram as SVG."""
    inner = {
        "dispatch": Box("dispatch of\ncommands", 1, 0),
        "walker": Box("index walker", 1, 1),
        "feeder": Box("headers,\nB buffer", 1, 2),
        "loader": Box("loader", 1, 3),
        "sequencer": Box("sequencer:\ntiles, taps", 2, 1),
        "core": Box(f"core,\n{config.m} x {config.k} x {config.n}", 2, 2),
        "a_buffer": Box("A buffer,\n2 halves", 2, 3),
        "accumulators": Box("accumulators,\n2 halves", 3, 2),
        "drain": Box("drain,\nrequantise" if config.requantise else "drain", 3, 3),
    }
    arrows = [
        Arrow("dispatch", "sequencer", "-|"),
        Arrow("walker", "sequencer"),
        Arrow("feeder", "core"),
        Arrow("loader", "a_buffer"),
        Arrow("sequencer", "core"),
        Arrow("a_buffer", "core"),
        Arrow("core", "accumulators", both=True),
        Arrow("accumulators", "drain"),
    ]
    inputs = {"commands": "dispatch", "index": "walker", "weights": "feeder", "activations": "loader"}
    if config.port is EnginePort.STREAM:
        outer = {name: Box(name, 0, row, outside=True) for row, name in enumerate(inputs)}
        outer["results"] = Box("results", 4, 3, outside=True)
        arrows += [Arrow(*pair) for pair in inputs.items()]
        arrows += [Arrow("drain", "results")]
        return block_svg("block-sparse engine", {**outer, **inner}, arrows)
    outer = {"m_axi": Box("m_axi:\nmemory", -1, 2, outside=True)}
    if config.wrapper:
        outer |= {"s_axi": Box("s_axi, irq", -1, 0, outside=True)}
        inner["registers"] = Box("registers", 0, 0)
        arrows += [Arrow("s_axi", "registers", both=True), Arrow("registers", "descriptors", both=True)]
    else:
        outer |= {"start": Box("start, status", -1, 1, outside=True)}
        arrows += [Arrow("start", "descriptors", both=True)]
    inner |= {
        "descriptors": Box("descriptors", 0, 1),
        "reads": Box("reads: A, B,\nindex", 0, 2),
        "writes": Box("writes: C", 0, 4),
    }
    arrows += [
        Arrow("m_axi", "reads"),
        Arrow("writes", "m_axi", "-|"),
        Arrow("reads", "descriptors"),
        Arrow("descriptors", "dispatch", "c", bend=0.3),
        Arrow("reads", "feeder"),
        Arrow("reads", "walker", "c", bend=0.65),
        Arrow("reads", "loader", "c", bend=0.65),
        Arrow("drain", "writes", "|-"),
    ]
    return block_svg("block-sparse engine", {**outer, **inner}, arrows)


def programming(config: EngineConfig) -> list[str]:
    """Return how to use the design, step by step."""
    finish = "CONV of the strip with `finish` and `release`, WRITE"
    if config.port is EnginePort.STREAM:
        return [
            "Hold the reset for one cycle or more.",
            f"Cut the layer into strips that fit the A buffer; for each send LOAD, {finish} on `commands`.",
            "Send index, weights and activations in the order of the commands; each stream takes its own "
            "time.",
            "Take the results; `last` ends each block column. `busy` is 0 when all is done.",
        ]
    lay = (
        f"Lay activations, index, weights and descriptors out in memory: for each strip LOAD, {finish}, and "
        "a "
        "descriptor of zeros at the end. Results need a place of their own."
    )
    if not config.wrapper:
        return [
            "Hold the reset for one cycle or more.",
            lay,
            "Send the address of the first descriptor on `start`.",
            "Take `status`: bit 0 is 0, and all results are in memory.",
        ]
    high = " and PROGRAM_HIGH" if config.address_bits > 32 else ""
    return [
        "Hold the reset for one cycle or more. Read ID, and sizes from TILE on, if they are not known.",
        lay,
        f"Write the address of the first descriptor to PROGRAM_LOW{high}.",
        "Write 1 to INTERRUPT_ENABLE, if an interrupt is to tell the end.",
        "Write 1 to CONTROL.",
        "Wait for `irq`, or until bit 0 of INTERRUPT_STATUS is 1: all results are then in memory.",
        "Read FAULT: 0 is well. Write 1 to INTERRUPT_STATUS, so that the next program can be told from this "
        "one.",
    ]


def figures(config: EngineConfig) -> dict[str, str]:
    """Return what each figure of the manifest's ``timing`` means."""
    return {
        "macs_per_cycle": "multiplications and additions a cycle at best",
        "core_latency_cycles": "cycles through the core",
        "cycles_between_blocks": "least cycles from block to block: a strip of as many tiles hides them",
        "cycles_between_passes_of_a_tile": "least cycles until a tile of C can be added to again",
        "weight_transfers_per_block": "beats of a block, of one tap",
        "weight_transfers_per_header": "beats of a column's header",
    }


def throughput(config: EngineConfig) -> str:
    """Return the most that the design does in a cycle."""
    return (
        f"One tile of A, {config.m} x {config.k}, meets one block, {config.k} x {config.n}, in each cycle: "
        f"{config.m * config.k * config.n} multiplications and additions; blocks of B that are not stored "
        "take none."
    )


def unchecked(config: EngineConfig) -> frozenset[str]:
    """Return words of commands that are not for this design."""
    return frozenset()
