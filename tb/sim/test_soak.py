"""``tileloom verify --soak``: what it draws, how a run that fails is shrunk and told."""

import json
import os
from collections import Counter

import pytest
from click.testing import CliRunner

from support.seed import SEED
from tileloom.cli.main import main
from tileloom.families import families, load
from tileloom_sim import soak
from tileloom_sim.soak import Ended, RandomRun, drawn, shrunk, soaked


def invoke(*arguments):
    return CliRunner().invoke(main, ["verify", *arguments])


def test_every_family_is_drawn_and_every_field():
    """Of every field that a user can set, one value at least is drawn; of families that a soak draws."""
    assert soaked() == ["systolic", "xfu", "engine"]
    seen = {name: Counter() for name in soaked()}
    for number in range(240):
        name, run = drawn(SEED, number)
        assert run.can_be and (name, run) == drawn(SEED, number)
        seen[name].update(list(run.fields))
    for name in soaked():
        assert sum(seen[name].values()) > 80
        left = {
            field for field in vars(load(next(iter(families()[name].presets)))) if field not in seen[name]
        }
        # Which core, host and port it is follows from the preset, and the fields of hosts with it.
        of_hosts = {"accumulators", "guard", "hartid_width", "id_width", "memory_bits", "operands", "version"}
        assert left <= {"core", "host", "port", *of_hosts}, name
    assert drawn(SEED, 0) != drawn(SEED + 1, 0)


RUN = RandomRun("stream-8x8-fp32", {"rows": "9", "columns": "7", "weight": "int8"}, {"layers": "20"}, 3)


class Shown:
    """A step that is not shown."""

    def show(self, detail):
        """Say nothing."""


def test_what_fails_is_shrunk():
    """It fails with three rows or more, whatever else; a value that cannot be is not tried."""
    tried = []

    def run(case):
        assert case.can_be
        tried.append(case)
        return Ended(int(int(case.fields.get("rows", "8")) >= 3), {}, "wrong")

    found, ended = shrunk(RUN, run(RUN), run, Shown())
    assert (found.fields, found.options, found.seed, ended.said) == ({}, {}, 3, "wrong")
    found, _ = shrunk(
        RUN, run(RUN), lambda case: Ended(int("rows" in case.fields and run(case).status), {}, ""), Shown()
    )
    assert found.fields == {"rows": "4"}
    assert len(tried) < 2 * soak.TRIALS + 3


def test_a_refusal_is_not_shrunk_to_a_wrong_result():
    def run(case):
        return Ended(2 if "weight" in case.fields else 1, {}, "")

    found, ended = shrunk(RUN, run(RUN), run, Shown())
    assert (found.fields, ended.status) == ({"weight": "int8"}, 2)


def test_a_run_that_fails_is_told_with_what_replays_it(monkeypatch):
    def run(case, environment):
        assert environment["TILELOOM_CACHE_MB"]
        wrong = case.fields.get("rounding") == "nearest-even"
        figures = {"transfers_compared": 8, "results_compared": 8, "layers": 1, "runs": []}
        return Ended(int(wrong), figures, "Y[0, 0] is wrong" if wrong else "")

    monkeypatch.setattr(soak, "run", run)
    done = invoke("--soak", "1", "--seed", "5", "--json")
    assert done.exit_code == 1
    figures = json.loads(done.stdout)
    assert figures["failed"]["replay"].startswith("tileloom simulate ")
    assert "rounding=nearest-even" in figures["failed"]["replay"]
    assert done.stderr == f"Error: Y[0, 0] is wrong\nreplayed by: {figures['failed']['replay']}\n"
    # Nothing but what it fails for is left of it.
    assert figures["failed"]["replay"].count("--set") == 1
    assert sum(family["designs"] for family in figures["families"].values()) > 0


@pytest.mark.parametrize(
    ("run", "family", "least"),
    [
        (RandomRun("stream-8x8-int8", {"rows": "2", "columns": "1"}, {}, 1), "systolic", {"transfers": 100}),
        pytest.param(
            RandomRun("engine-int8", {}, {"layers": "3"}, 1),
            "engine",
            {"results": 30, "layers": 3},
            marks=pytest.mark.long,
        ),
        (
            RandomRun("xfu-cv32e40p", {}, {"connected": "16", "rows": "2"}, 1),
            "xfu",
            {"layers": 5, "instructions": 500},
        ),
    ],
)
def test_what_is_compared_is_counted(run, family, least):
    """Designs that other tests build too."""
    ended = soak.run(run, os.environ)
    assert ended.status == 0, ended.said
    compared = families()[family].room("tileloom_sim", "soak").compared(ended.figures)
    assert {name: compared[name] for name, least in least.items() if compared[name] < least} == {}


@pytest.mark.long
def test_some_of_each_family():
    done = soak.soak(4, SEED)
    done.require()
    assert all(count.cases for count in done.counts.values())


def test_a_refusal_is_its_one_line():
    done = soak.run(RandomRun("xfu-unit", {}, {}, 1), os.environ)
    assert done.status == 2 and done.said.startswith("host = unit: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--soak", "1", "--formal"], "say what is to be done"),
        (["--soak", "0"], "give a number above 0"),
        (["stream-8x8-int8", "--soak", "1"], "takes no CONFIG"),
        (["--soak", "1", "--mutants", "3"], "--mutants: is of --mutate"),
        (["--soak", "1", "--timeout", "3"], "--timeout: is of --formal"),
        (["--soak", "1", "--set", "rows=2"], "there is no CONFIG"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, said):
    done = invoke(*arguments)
    assert done.exit_code == 2 and said in done.output and "Traceback" not in done.output
