"""Broken hardware is caught: each mutant is one place of the RTL's source changed."""

import importlib
import types
from pathlib import Path

import numpy as np
import pytest

from support.long import few
from support.mutant import mutant
from tileloom.errors import CheckError
from tileloom.xfu import cv_x_if, unit
from tileloom.xfu import design as generate
from tileloom.xfu.config import XfuConfig
from tileloom_sim.xfu import adapter

from .bench import BenchError
from .program import Program
from .test_commit import Scenario, an_offer_taken_back_leaves_nothing, simulate, while_it_is_offered
from .test_cv32e40x import build, run
from .unit_bench import check_unit

# A mutant is built for one short run.
QUICK = ("-MAKEFLAGS", "OPT_FAST=-O0")

COMMITMENT = "coprocessor.commitment"

# What is changed, and where the classes of that module are used.
UNIT = {
    "offsets": ("execute", "place.eq(Mux(self._is_4(),", "place.eq(Mux(0,"),
    "displacement": ("execute", "16: Cat(field, upper)", "16: Cat(field[:3], 0, upper)"),
    "lane": ("execute", "self.lane.eq(self.counter[1:3])", "self.lane.eq(self.counter[0:2])"),
    "merge": ("write_back", "self.result.eq(self.rd)", "self.result.eq(0)"),
    "forwarding": ("unit", "(waiting, advances, head),", ""),
    "forwarding in place": ("unit", "(waiting, ~enters, waiting),", ""),
    "forwarding on the way in": ("unit", ", (incoming, enters, waiting))", ")"),
    "kill": (COMMITMENT, "kills & (to_waiting[-1] |", "kills & 0 & (to_waiting[-1] |"),
    "kill by an older tag": (COMMITMENT, "(to_waiting[-1] | ~to_waiting.any())", "~to_waiting.any()"),
    "kill of what is committed": (COMMITMENT, "~to_waiting.any()) & ~committed", "~to_waiting.any())"),
    "kill on the way in": (COMMITMENT, "& ~kills_offered", ""),
    "commit": (COMMITMENT, "advances.eq(waits & (committed | commits_waiting)", "advances.eq(waits"),
    "commit by a younger tag": (COMMITMENT, "commits & ~to_waiting[-1]", "commits & ~to_waiting.any()"),
    "commit on the way in": (
        COMMITMENT,
        "self.offered_committed | self.offer_committed",
        "self.offered_committed",
    ),
    "counter after a fault": ("unit", "with m.Elif(~result.fault.any()):", "with m.Else():"),
    "swap": ("unit", "if two else head.rs1)", "if two else head.rs1 | 1)"),
    "kept answer": ("unit", "kept_byte.eq(byte)", "kept_byte.eq(self.loads.payload.address)"),
}
ALONE = {
    "nothing is taken": ("cv_x_if", "takes.eq(ours & operands_valid & clear)", "takes.eq(0)"),
    "bad encoding": ("decode", "& (rs3 == self.rd)", ""),
    "register in flight": ("coprocessor.cv32e40x", "| wb_writes & (in_wb == rd)", ""),
    "byte of the word": ("cv_x_if", "word_select(place, 8)", "word_select(0, 8)"),
    "error not told": ("cv_x_if", "self.result_err.eq(fault.err)", "self.result_err.eq(0)"),
    "interrupt too late": ("cv_x_if", "fails & (waited != INTERRUPT_CYCLES)", "Const(0)"),
    "interrupt a cycle late": ("cv_x_if", "waited != INTERRUPT_CYCLES)", "waited != INTERRUPT_CYCLES - 1)"),
    "interrupt not raised": ("cv_x_if", "self.load_error.eq(1)", "self.load_error.eq(0)"),
    "interrupt not taken back": ("cv_x_if", "m.Elif(taken & result.swap)", "m.Elif(0)"),
    "request given up": ("cv_x_if", "self.result_ready | begun", "self.result_ready"),
}
OFFERS = {
    "commit of an offer": (while_it_is_offered, "(committed | unit.offer_committed)", "committed"),
    "offer taken back": (
        an_offer_taken_back_leaves_nothing,
        "self.issue_valid & ~self.issue_ready & (",
        "~(self.issue_valid & self.issue_ready) & (",
    ),
}
CORE = {
    "division in flight": (
        "coprocessor.cv32e40x",
        "m.d.sync += wait.eq(Mux(divides, DIVIDE_CYCLES, OTHER_CYCLES))",
        "pass",
    ),
}
USERS = {
    "execute": (unit, "Execute"),
    "write_back": (unit, "WriteBack"),
    "unit": (cv_x_if, "Unit"),
    "decode": (cv_x_if, "Decode"),
    "coprocessor.cv32e40x": (cv_x_if, "IssueGuard"),
    COMMITMENT: (unit, "Commitment"),
    "cv_x_if": (generate, "CvXIf"),
}


def put_in(monkeypatch: pytest.MonkeyPatch, module: str, old: str, new: str) -> types.ModuleType:
    """Use the changed module instead of the real one."""
    path = module if "." in module else f"xfu.{module}"
    changed = mutant(importlib.import_module(f"tileloom.{path}"), old, new)
    user, name = USERS[module]
    monkeypatch.setattr(user, name, getattr(changed, name))
    return changed


@pytest.mark.parametrize("mutation", UNIT.values(), ids=UNIT)
def test_unit_mutants(
    mutation: tuple[str, str, str], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = put_in(monkeypatch, *mutation)
    with pytest.raises(AssertionError):
        check_unit(rng, getattr(changed, "Unit", unit.Unit))


@pytest.mark.parametrize("mutation", OFFERS.values(), ids=OFFERS)
def test_commit_mutants(mutation: tuple[Scenario, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, old, new = mutation
    changed = put_in(monkeypatch, "cv_x_if", old, new)
    with pytest.raises(AssertionError):
        simulate(scenario, XfuConfig(), changed.CvXIf)


@pytest.mark.parametrize("name", few(ALONE))
def test_adapter_mutants(name: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, *ALONE[name])
    config = XfuConfig()
    program = adapter.build(generate.generate(config), QUICK)
    with pytest.raises(CheckError):
        for batched in (False, True):
            adapter.run(program, config, rng, 5000, 30, batched=batched)


@pytest.mark.parametrize("name", few(CORE))
def test_mutants_on_the_core(
    name: str, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in(monkeypatch, *CORE[name])
    bench = build(XfuConfig(), QUICK)
    program = Program(rng)
    program.random_instructions(3000)
    program.finish()
    with pytest.raises((AssertionError, BenchError)):
        run(tmp_path, bench, XfuConfig(), program, 1, stall=20, interrupts=200, errors=1)
