"""The AXI4 bench notices faults in the master: each mutant is one line of its source changed."""

import inspect
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

import tileloom.engine.axi.descriptors
import tileloom.engine.axi.engine
import tileloom.engine.axi.read
import tileloom.engine.axi.write
from support.mutant import mutant

from . import test_axi_engine as bench
from .test_axi_write import test_stopped_in_every_cycle as check_stop

TOP = tileloom.engine.axi.engine

Check = Callable[[int, float, np.random.Generator], None]

MUTANTS: dict[str, tuple[ModuleType, str, str, Check]] = {
    "status before the last answer": (
        tileloom.engine.axi.write,
        "beats.idle & addresses.empty",
        "beats.idle & lengths.empty",
        bench.test_the_first_error_is_kept,
    ),
    "status before the last beat read": (
        TOP,
        "~engine.busy & write.idle & channel.idle",
        "~engine.busy & write.idle",
        bench.test_errors_on_control_end_the_program,
    ),
    "last error kept": (
        TOP,
        "m.If(error & ~status.error)",
        "m.If(error)",
        bench.test_the_first_error_is_kept,
    ),
    "DECERR ignored on R": (
        tileloom.engine.axi.read,
        "beat.resp >= ERROR",
        "beat.resp == ERROR",
        bench.test_the_first_error_is_kept,
    ),
    "DECERR ignored on B": (
        tileloom.engine.axi.write,
        "self.b.payload >= ERROR",
        "self.b.payload == ERROR",
        bench.test_the_first_error_is_kept,
    ),
    "index not control": (
        TOP,
        'STEERING = ("descriptors", "index")',
        'STEERING = ("descriptors",)',
        bench.test_errors_on_control_end_the_program,
    ),
    "descriptors not control": (
        TOP,
        'STEERING = ("descriptors", "index")',
        'STEERING = ("index",)',
        bench.test_errors_on_control_end_the_program,
    ),
    "weights are control": (
        TOP,
        'STEERING = ("descriptors", "index")',
        'STEERING = ("descriptors", "index", "weights")',
        bench.test_errors_on_data_do_not,
    ),
    "bursts after the end": (
        tileloom.engine.axi.write,
        " & free & ~self.stop",
        " & free",
        check_stop,
    ),
    "data after the end": (
        tileloom.engine.axi.write,
        "Mux(dropping, 0, beats.beats.payload.strb)",
        "beats.beats.payload.strb",
        check_stop,
    ),
    "bursts left open": (
        tileloom.engine.axi.write,
        "(beats.beats.valid | dropping) & lengths",
        "beats.beats.valid & lengths",
        check_stop,
    ),
    "offer taken back": (
        tileloom.engine.axi.write,
        "m.If(~self.w.valid | self.w.ready)",
        "m.If(1)",
        check_stop,
    ),
    "engine not reset": (
        TOP,
        "ResetInserter(ended)(engine)",
        "engine",
        bench.test_errors_on_control_end_the_program,
    ),
    "clients not reset": (
        TOP,
        "ResetInserter(ended)(client)",
        "client",
        bench.test_errors_on_control_end_the_program,
    ),
    "descriptors in one burst": (
        tileloom.engine.axi.descriptors,
        "min(beats, config.burst_beats)",
        "beats",
        bench.test_programs,
    ),
}


STATUS = ("status before the last answer", "last error kept", "DECERR ignored on R", "DECERR ignored on B")
"""Mutants that a run always tries; the others are for the long run."""


@pytest.mark.parametrize(
    "name", [name if name in STATUS else pytest.param(name, marks=pytest.mark.long) for name in MUTANTS]
)
def test_mutant_is_caught(name: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    module, before, after, check = MUTANTS[name]
    names = vars(mutant(module, before, after))
    if module is TOP:
        monkeypatch.setattr(bench, "AxiEngine", names["AxiEngine"])
    else:
        for component in ("Descriptors", "ReadChannel", "ReadClient", "WriteClient"):
            if inspect.isclass(names.get(component)) and names[component].__module__ == names["__name__"]:
                monkeypatch.setattr(TOP, component, names[component])
                monkeypatch.setattr(module, component, names[component])
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(2, 0.4, rng)
