"""Programs on the real core with the unit in its pipeline: any bus, interrupts, traps, and broken copies."""

from dataclasses import replace

import numpy as np
import pytest

from support.long import few
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom_golden.xfu.xdecimate import GROUPS
from tileloom_sim.riscv.run import Conditions, ProgramError, Waits
from tileloom_sim.riscv.system import System

from .bench import check, debugged, memory, system
from .program import Generator

CONDITIONS = {
    "single-cycle": Conditions(),
    "interrupts": Conditions(interrupts=(1, 60)),
    "waits": Conditions(instruction_waits=Waits(grant=1), data_waits=Waits(grant=1, response=2)),
    "slow-grants": Conditions(data_waits=Waits(grant=3), random_seed=2),
    "slow-answers": Conditions(data_waits=Waits(response=4), random_seed=3, interrupts=(2, 90)),
    "random-waits": Conditions(
        instruction_waits=Waits(grant=2, response=2),
        data_waits=Waits(grant=2, response=3),
        random_seed=4,
        interrupts=(3, 120),
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_random_programs(name: str, rng: np.random.Generator) -> None:
    executed = decimated = 0
    for _ in range(2):
        machine = check(
            system(GROUPS), Generator(rng).program(1500), memory(rng), CONDITIONS[name], GROUPS[0]
        )
        executed += machine.executed
        decimated += machine.decimated
        assert machine.illegal > 50
    print(f"{executed} instructions, {decimated} xDecimates")
    assert executed > 20_000 and decimated > 7_000


@pytest.mark.long
def test_instructions_of_another_group_size_trap(rng: np.random.Generator) -> None:
    steps = Generator(rng, built=(16,)).program(1000)
    machine = check(system((16,)), steps, memory(rng), CONDITIONS["random-waits"], 16)
    assert machine.illegal > 50 and machine.decimated > 2_000


def test_debug_requests_anywhere(rng: np.random.Generator) -> None:
    for name in ("interrupts", "random-waits"):
        steps, data = Generator(rng).program(1000), memory(rng)
        check(debugged(GROUPS), steps, data, CONDITIONS[name], GROUPS[0], interrupts=False)


MUTANTS = {
    "rd of a load behind a branch is not waited for": (
        "cv32e40p_id_stage.sv",
        "(xfu_decimate_dec & regfile_we_ex_o)",
        "xfu_decimate_dec",
    ),
    "the word kept is not the one written back": (
        "cv32e40p_load_store_unit.sv",
        "else rdata_q <= data_rdata_ex_o;",
        "else rdata_q <= data_rdata_ext;",
    ),
    "the counter counts cycles": (
        "cv32e40p_core.sv",
        "(ex_ready),\n      .address",
        "(1'b1),\n      .address",
    ),
}


@pytest.mark.parametrize("name", few(MUTANTS))
def test_mutant_is_found(name: str, rng: np.random.Generator) -> None:
    file, right, wrong = MUTANTS[name]

    def patch(sources: dict[str, str]) -> dict[str, str]:
        patched = patch_sources(sources)
        assert patched[file].count(right) == 1
        return {**patched, file: patched[file].replace(right, wrong)}

    mutant = System(core="cv32e40p", patch=patch)
    # The worst that a mutant can do is to run on for ever.
    conditions = [replace(CONDITIONS[key], limit=2_000_000) for key in ("waits", "random-waits")]
    with pytest.raises((AssertionError, ProgramError)):
        for _ in range(4):
            steps, data = Generator(rng).program(800), memory(rng)
            for condition in conditions:
                check(mutant, steps, data, condition, GROUPS[0])
