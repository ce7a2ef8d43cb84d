"""The coprocessor on CORE-V-XIF 1.0 with its own load port, against the golden hart; what is not for it."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator, SimulatorContext
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.xfu.config import Version, XfuConfig
from tileloom.xfu.cv_x_if_1 import CvXIf1
from tileloom.xfu.instruction import encode_decimate

from .x_if_1_bench import check_x_if_1

THREE = XfuConfig(version=Version.V1_0)
TWO = XfuConfig(version=Version.V1_0, operands=2, id_width=3, hartid_width=5, group_sizes=(8,))


@pytest.mark.parametrize(
    ("config", "idle"),
    [
        pytest.param(THREE, 0.5, id="three operands, stalled"),
        pytest.param(TWO, 0.1, id="two operands, flowing"),
        pytest.param(THREE, 0.1, id="three operands, flowing", marks=pytest.mark.long),
        pytest.param(TWO, 0.5, id="two operands, stalled", marks=pytest.mark.long),
    ],
)
def test_a_host_that_does_all_it_may(config: XfuConfig, idle: float, rng: np.random.Generator) -> None:
    check_x_if_1(rng, config, idle=idle, axi=config is TWO)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("verify", "--formal", "--set", "version=1.0"), "--formal: is for the unit alone"),
        (("verify", "--formal", "--set", "guard=false"), "--formal: is for the unit alone"),
        (("simulate", "--set", "version=1.0"), "only CV32E40X 0.6.0, version 0.2 with its guard, is there"),
        (("roofline", "--set", "version=1.0"), "there is no model of that host's cycles"),
        (("generate", "--set", "operands=2"), "operands: is for CV-X-IF 1.0"),
        (("generate", "--set", "version=1.0", "--set", "operands=4"), "operands: must be from 2 to 3, not 4"),
        (("generate", "--set", "version=1.0", "--set", "guard=true"), "guard: is for CV-X-IF 0.2"),
        (("generate", "--set", "version=1.1"), "version: must be 0.2 or 1.0"),
    ],
)
def test_what_is_not_for_it_is_refused(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    folder = ("-o", str(tmp_path)) if words[0] == "generate" else ()
    result = CliRunner().invoke(main, [words[0], "xfu-cv-x-if", *words[1:], *folder])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_a_host_that_never_waits_has_an_instruction_in_two_cycles() -> None:
    """Registers and commit with the offer, memory that answers in the cycle after its request."""
    dut, count = CvXIf1(THREE), 20
    finished: list[int] = []

    async def bench(ctx: SimulatorContext) -> None:
        for name in ("issue_valid", "register_valid", "commit_valid", "result_ready", "load_gnt"):
            ctx.set(getattr(dut, name), 1)
        ctx.set(dut.register_rs_valid, 7)
        offered = 0
        for cycle in range(10 * count):
            ctx.set(dut.issue_instr, encode_decimate(4, 1 + offered % 2, 8, 9))
            ctx.set(dut.issue_id, offered % 16)
            ctx.set(dut.commit_id, offered % 16)
            offered += ctx.get(dut.issue_ready)
            if ctx.get(dut.result_valid):
                finished.append(cycle)
            asked = ctx.get(dut.load_req)
            await ctx.tick()
            ctx.set(dut.load_rvalid, asked)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert finished[0] == 3
    assert {later - before for before, later in itertools.pairwise(finished)} == {2}
