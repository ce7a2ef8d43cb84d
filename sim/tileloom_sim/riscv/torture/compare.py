"""Runs a random program on a core and compares all that it leaves with what it should."""

from __future__ import annotations

import numpy as np

from tileloom.errors import CheckError

from ..run import Conditions, ProgramRun, run_program
from ..system import System
from .model import Expected
from .program import COMPARED_STATE, DATA, LOG, RESULT_WORDS, STATE, TRAPS, WRONG, Assembled

CYCLES = 200
"""That an instruction may take at most, on average: no program is so slow, whatever the waits."""


class DifferenceError(CheckError):
    """A core does something else than the model; the message says where."""


def run(
    system: System, assembled: Assembled, data: bytes, conditions: Conditions, mutant: int | None = None
) -> ProgramRun:
    """Run a program with ``data`` at DATA; results are the words from STATE on. As ``run_program``."""
    memory = {STATE: bytes(DATA - STATE), DATA: data, LOG: bytes(4 * RESULT_WORDS - (LOG - STATE))}
    return run_program(
        system,
        assembled.program,
        memory=memory,
        results=(STATE, RESULT_WORDS),
        conditions=conditions,
        mutant=mutant,
    )


def compare(expected: Expected, found: ProgramRun) -> None:
    """Raise DifferenceError where registers, memory, log or exceptions are not what they should be."""
    if found.results[WRONG]:
        raise DifferenceError(f"{found.results[WRONG]} wrong results in the trap handler")
    wrong = np.flatnonzero(expected.words != found.results)
    first_data = (DATA - STATE) // 4
    wrong = wrong[(wrong < COMPARED_STATE) | (wrong >= first_data)]
    if not wrong.size:
        return
    # What is logged comes in order: its first word is the nearest to what went wrong.
    logged = wrong[wrong >= (LOG - STATE) // 4]
    at = int(logged[0] if logged.size else wrong[0])
    raise DifferenceError(
        f"{_place(at, expected)}: {found.results[at]:#010x}, not {expected.words[at]:#010x}; "
        f"{wrong.size} words differ"
    )


def _place(at: int, expected: Expected) -> str:
    address = STATE + 4 * at
    if address >= LOG:
        index = (address - LOG) // 4
        if index >= len(expected.logged):
            return f"word {index} of the log, beyond its end"
        pc, line = expected.logged[index]
        return f"word {index} of the log, behind `{line}` at {pc:#010x}"
    if address >= DATA:
        return f"memory at {address:#010x}"
    if at < TRAPS:
        return f"x{at} at the end"
    return "the exceptions" if at == TRAPS else "the causes of the exceptions"
