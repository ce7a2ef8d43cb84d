"""Layers on an engine in the RISC-V system, run by a core through the driver in C.

The core lays layers out in memory itself (``programs/layers.c``), starts them by the engine's registers and
waits for the interrupt, or polls; the engine reads and writes the core's memory.
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
from tileloom.engine.config import EngineConfig
from tileloom_golden.engine.program import DESCRIPTOR_BYTES

from ..build import verilator
from ..riscv.compile import Program, c_sources, compile_program
from ..riscv.job_memory import JobMemory, memory_bytes
from ..riscv.run import Conditions, ProgramError, run_program
from ..riscv.system import MasterBlock, System
from .job import Job

PROGRAMS = Path(__file__).with_name("programs")
"""Where the core's program is."""

CORE = "cv32e40p"

ALIGNMENT = 64
"""Of each layer's data."""

PLACE = 4096
"""Each layer's memory begins at a multiple of it."""


class Happening(enum.IntEnum):
    """What happens to a layer: as ``enum happening`` in job.h."""

    RUN = 0
    GIVE_UP = 1
    LET_END = 2
    BREAK_INDEX = 3


class Outcome(enum.IntEnum):
    """What functions of the driver return: as ``enum tileloom_engine_result`` in NAME_driver.h."""

    OK = 0
    ABSENT = 1
    UNSUPPORTED = 2
    BUSY = 3
    TIMEOUT = 4
    READ_FAULT = 5
    WRITE_FAULT = 6
    INDEX_FAULT = 7
    ADDRESS = 8
    LAYER = 9
    CAPACITY = 10
    MEMORY = 11


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer to run.

    Attributes
    ----------
    job:
        What is computed.
    interrupts:
        The core sleeps until the interrupt; else it polls.
    happening:
        What happens to it.
    """

    job: Job
    interrupts: bool = False
    happening: Happening = Happening.RUN


@dataclass(frozen=True, kw_only=True)
class LayerRun:
    """What came of a layer.

    Attributes
    ----------
    values:
        H_out x W_out x N words as the driver got them from memory.
    memory:
        Where its memory began.
    size, laid_out, refused, timeout, reset, broken, still_broken, started, waited:
        What the driver's functions returned, see job.h.
    fault, fault_address, blocks_skipped, skipped, busy, interrupted:
        The register FAULT and its address; blocks that the layout, and the counter, say were skipped; busy
        cycles; interrupts so far.
    start_cycles, run_cycles:
        The core's cycles from the call of start until its last write is answered, and a read behind it; the
        system's from there on until the call of wait returned.
    """

    values: npt.NDArray[Any]
    memory: int
    size: int
    laid_out: Outcome
    refused: Outcome
    timeout: Outcome
    reset: Outcome
    broken: Outcome
    still_broken: Outcome
    started: Outcome
    waited: Outcome
    fault: int
    fault_address: int
    blocks_skipped: int
    skipped: int
    busy: int
    start_cycles: int
    run_cycles: int
    interrupted: int


_SHAPE, _POINTERS, _CHOICE = 12, 5, 3
_OUTCOMES = ("laid_out", "refused", "timeout", "reset", "broken", "still_broken", "started", "waited")
_NUMBERS = (
    *("fault", "fault_address", "blocks_skipped", "skipped", "busy", "start_cycles", "run_cycles"),
    "interrupted",
)
_ASKED = _SHAPE + _POINTERS + _CHOICE
_WORDS = _ASKED + 1 + len(_OUTCOMES) + len(_NUMBERS)
"""Words of ``struct job``: what is asked for, then the size and the rest of what comes of it."""


def engine_block(config: EngineConfig, design: Design) -> MasterBlock:
    """Return an engine with registers as a device of the system."""
    return MasterBlock(
        verilog=design.verilog,
        top=design.name,
        register_bits=design.manifest["registers"]["aw"]["s_axi_awaddr"],
        beat_bits=config.bus,
        address_bits=config.address_bits,
        burst_beats=config.burst_beats,
        kept=tuple(verilator.elements(design.manifest["modules"])),
    )


def engine_program(design: Design) -> Program:
    """Return the core's program, with the driver that comes with the design."""
    texts = {name: (PROGRAMS / name).read_text("utf-8") for name in ("layers.c", "job.h")}
    texts["layers.c"] = texts["layers.c"].replace("NAME", design.name)
    parts = [f"{design.name}_{part}.c" for part in ("program", "cut", "data")]
    return compile_program(CORE, c_sources(design) | texts, main=["layers.c", "memory.c", *parts])


def run_layers(
    design: Design,
    config: EngineConfig,
    layers: Sequence[Layer],
    *,
    conditions: Conditions | None = None,
    program: Program | None = None,
    waves: Path | None = None,
) -> list[LayerRun]:
    """Run layers one after the other, on an engine with registers.

    ``conditions`` are as ``run_program`` takes them; its memory's size is found here. ``program`` is what
    ``engine_program`` returns, if not the driver as it is. Raises as ``run_program``; ProgramError too where
    the program ends otherwise than it should.
    """
    system = System(core=CORE, device=engine_block(config, design), waves=waves is not None)
    program = program or engine_program(design)
    image = JobMemory(program.free, 1 + _WORDS * len(layers), ALIGNMENT)
    words = [len(layers)]
    results = []
    for layer in layers:
        asked, address = _asked(layer, image)
        words += [*asked, *[0] * (_WORDS - _ASKED)]
        results.append(address)
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
        raise ProgramError(f"the driver did not open the engine: {Outcome(run.exit_code).name}")
    found = []
    for index, (layer, address) in enumerate(zip(layers, results, strict=True)):
        begin = 1 + _WORDS * index
        mine = run.results[begin : begin + _WORDS].tolist()
        size, outcomes, numbers = mine[_ASKED], mine[_ASKED + 1 :], mine[_ASKED + 1 + len(_OUTCOMES) :]
        words_there = run.results.tobytes()[address - program.free :][: layer.job.expected.nbytes]
        found.append(
            LayerRun(
                values=np.frombuffer(words_there, layer.job.expected.dtype).reshape(layer.job.expected.shape),
                memory=mine[_SHAPE + 4],
                size=size,
                **{name: Outcome(word) for name, word in zip(_OUTCOMES, outcomes, strict=False)},
                **dict(zip(_NUMBERS, numbers, strict=True)),
            )
        )
    return found


def _asked(layer: Layer, image: JobMemory) -> tuple[list[int], int]:
    """Place a layer's data; return what is asked for, as ``struct job`` has it, and where results go."""
    job = layer.job
    shape = job.program.layer
    relu = job.program.groups[0].write.relu
    weights = job.weights.to_convolution()
    descriptors = sum(DESCRIPTOR_BYTES * (2 * len(group.parts) + 1) for group in job.program.groups)
    pointers = [
        image.place(data, -(-len(data) // 4) * 4)
        for data in (
            words_of(job.activations, job.config.element_bits),
            words_of(weights, job.config.weight_bits),
            job.headers.astype("<u8").tobytes(),
            bytes(job.expected.nbytes),
        )
    ]
    size = len(job.image.content) + descriptors
    memory = image.place(bytes(size + -size % 4), alignment=PLACE)
    asked = [shape.height, shape.width, shape.channels, shape.outputs, *shape.kernel, shape.stride]
    asked += [*shape.pads, relu, *pointers, memory, size, layer.interrupts, layer.happening]
    assert len(asked) == _ASKED
    return asked, pointers[-1]


def words_of(values: npt.NDArray[Any], bits: int) -> bytes:
    """Return words as the driver takes them, of 1, 2 or 4 bytes."""
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    return values.astype(f"<{'i' if values.dtype.kind == 'i' else 'u'}{size}").tobytes()


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
