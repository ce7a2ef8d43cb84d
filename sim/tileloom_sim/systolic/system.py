"""Products on an array in the RISC-V system, run by a core through the driver in C.

The core lays products out in memory itself (``programs/products.c``), tells DMA channels at the array's
streams what to move, starts jobs by the array's registers, and waits for the interrupt, or polls.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.systolic.config import SystolicConfig

from ..build import verilator
from ..riscv.compile import Program, c_sources, compile_program
from ..riscv.job_memory import JobMemory, memory_bytes
from ..riscv.run import Conditions, ProgramError, run_program
from ..riscv.system import StreamBlock, System

PROGRAMS = Path(__file__).with_name("programs")
"""Where the core's program is."""

CORE = "cv32e40p"

ALIGNMENT = 64
"""Of each product's data and memory."""


class Happening(enum.IntEnum):
    """What happens to a product: as ``enum happening`` in products.h."""

    RUN = 0
    GIVE_UP = 1
    INFINITE = 2
    UNREACHABLE = 3


class Outcome(enum.IntEnum):
    """What functions of the driver return: as ``enum tileloom_systolic_result`` in NAME_driver.h."""

    OK = 0
    ABSENT = 1
    BUSY = 2
    TIMEOUT = 3
    JOB = 4
    FAULT = 5
    WEIGHT = 6
    MEMORY = 7
    MOVE = 8


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product Y = X W to run.

    Attributes
    ----------
    x:
        M x K words of the array's activations.
    w:
        K x N weights: signed integers, or words of floats.
    infinite:
        Activations of which one is infinity, for ``Happening.INFINITE``.
    interrupts:
        The core sleeps until the interrupt; else it polls.
    happening:
        What happens to it.
    """

    x: npt.NDArray[Any]
    w: npt.NDArray[Any]
    infinite: npt.NDArray[Any] | None = None
    interrupts: bool = False
    happening: Happening = Happening.RUN


@dataclass(frozen=True, kw_only=True)
class ProductRun:
    """What came of a product.

    Attributes
    ----------
    y:
        M x N words as the driver got them from memory.
    size, no_room, laid_out, broken, refused, reset, moves_reset, ran:
        What the driver's functions returned, see products.h.
    fault, fault_stream, fault_tile, fault_vector:
        The register FAULT, and where the fault was.
    tiles_skipped, results_taken, busy, interrupted:
        Tiles that the layout left out; of the last run vectors of results and busy cycles; interrupts so far.
    start_cycles, run_cycles:
        The core's cycles from the call of start until its last write is answered, and a read behind it; the
        system's that the last run took.
    """

    y: npt.NDArray[np.uint64]
    size: int
    no_room: Outcome
    laid_out: Outcome
    broken: Outcome
    refused: Outcome
    reset: Outcome
    moves_reset: bool
    ran: Outcome
    fault: int
    fault_stream: int
    fault_tile: int
    fault_vector: int
    tiles_skipped: int
    results_taken: int
    busy: int
    start_cycles: int
    run_cycles: int
    interrupted: int


_ASKED = 11
_OUTCOMES = ("no_room", "laid_out", "broken", "refused", "reset")
_TAKEN = (
    *("size", *_OUTCOMES, "moves_reset", "ran", "fault", "fault_stream", "fault_tile", "fault_vector"),
    *("tiles_skipped", "results_taken", "busy", "start_cycles", "run_cycles"),
    "interrupted",
)
_WORDS = _ASKED + len(_TAKEN)
"""Words of ``struct job``: what is asked for, then what comes of it."""


def array_block(config: SystolicConfig, design: Design) -> StreamBlock:
    """Return an array with registers as a device of the system."""
    return StreamBlock(
        verilog=design.verilog,
        top=design.name,
        register_bits=design.manifest["registers"]["aw"]["s_axi_awaddr"],
        weight_bits=_bytes(config.columns * config.weight.width) * 8,
        activation_bits=_bytes(config.rows * config.activation.width) * 8,
        sum_bits=_bytes(config.columns * config.accumulator.width) * 8,
        kept=tuple(verilator.elements(design.manifest["modules"])),
    )


def array_program(design: Design) -> Program:
    """Return the core's program, with the driver that comes with the design."""
    texts = {name: (PROGRAMS / name).read_text("utf-8") for name in ("products.c", "products.h")}
    texts["products.c"] = texts["products.c"].replace("NAME", design.name)
    parts = [f"{design.name}_{part}.c" for part in ("product", "dma")]
    return compile_program(CORE, c_sources(design) | texts, main=["products.c", "memory.c", *parts])


def run_products(
    design: Design,
    config: SystolicConfig,
    products: Sequence[Product],
    *,
    conditions: Conditions | None = None,
    waves: Path | None = None,
) -> list[ProductRun]:
    """Run products one after the other, on an array with registers.

    ``conditions`` are as ``run_program`` takes them; its memory's size is found here. Raises as
    ``run_program``; ProgramError too where the program ends otherwise than it should.
    """
    system = System(core=CORE, device=array_block(config, design), waves=waves is not None)
    program = array_program(design)
    image = JobMemory(program.free, 1 + _WORDS * len(products), ALIGNMENT)
    words, places = [len(products)], []
    for product in products:
        asked, address = _asked(config, product, image)
        words += [*asked, *[0] * (_WORDS - _ASKED)]
        places.append(address)
    image.say(words)
    run = run_program(
        system,
        program,
        memory={program.free: bytes(image.content)},
        results=(program.free, len(image.content) // 4),
        conditions=replace(conditions or Conditions(), memory_bytes=memory_bytes(image.end)),
        waves=waves,
    )
    if run.exit_code:
        raise ProgramError(f"the driver did not open the array: {Outcome(run.exit_code).name}")
    content, found = run.results.tobytes(), []
    for index, (product, address) in enumerate(zip(products, places, strict=True)):
        begin = 1 + _WORDS * index + _ASKED
        numbers = run.results[begin : begin + len(_TAKEN)].tolist()
        taken: dict[str, Any] = dict(zip(_TAKEN, numbers, strict=True))
        taken |= {name: Outcome(taken[name]) for name in (*_OUTCOMES, "ran")}
        shape = len(product.x), product.w.shape[1]
        dtype = f"<u{word_bytes(config.accumulator.width)}"
        y = np.frombuffer(content, dtype, shape[0] * shape[1], address - program.free)
        found.append(ProductRun(y=y.reshape(shape).astype(np.uint64), **taken))
    return found


def word_bytes(bits: int) -> int:
    """Return the bytes of a word as the driver takes it: 1, 2, 4 or 8."""
    return 1 << (_bytes(bits) - 1).bit_length()


def words_of(values: npt.NDArray[Any], bits: int) -> bytes:
    """Return words as the driver takes them; signed integers in two's complement."""
    size = word_bytes(bits)
    return (values.astype(np.int64) if values.dtype.kind == "i" else values).astype(f"<u{size}").tobytes()


def _asked(config: SystolicConfig, product: Product, image: JobMemory) -> tuple[list[int], int]:
    """Place a product's data; return what is asked for, as ``struct job`` has it, and where results go."""
    (m, k), n = product.x.shape, product.w.shape[1]
    infinite = product.x if product.infinite is None else product.infinite
    operands = [(product.x, config.activation), (product.w, config.weight), (infinite, config.activation)]
    pointers = [image.place(words_of(values, of.width)) for values, of in operands]
    results = image.place(bytes(m * n * word_bytes(config.accumulator.width)))
    # As much as a layout can take: a power of two is less than twice as many bytes.
    down, across = -(-k // config.rows), -(-n // config.columns)
    transfers = [
        (down * m, config.rows * config.activation.width),
        (across * m, config.columns * config.accumulator.width),
        (down * across * config.rows, config.columns * config.weight.width),
    ]
    size = sum(2 * count * _bytes(bits) for count, bits in transfers)
    size += ALIGNMENT * (down + across + 2) + down * across
    memory = image.place(bytes(size))
    asked = [m, k, n, *pointers, results, memory, size, product.interrupts, product.happening]
    assert len(asked) == _ASKED
    return asked, results


def _bytes(bits: int) -> int:
    return -(-bits // 8)
