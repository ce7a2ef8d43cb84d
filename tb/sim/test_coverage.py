"""``tileloom verify --coverage``: counts are read and merged, and what the stimulus leaves out is told."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from click.testing import CliRunner

from support.seed import SEED
from tileloom.cli.main import main
from tileloom.errors import CheckError, ToolError
from tileloom.families import families, load
from tileloom_sim.build import coverage as build_coverage
from tileloom_sim.build import verilator
from tileloom_sim.coverage import points, report, run
from tileloom_sim.coverage.points import Point
from tileloom_sim.coverage.reasons import Reason, holes
from tileloom_sim.xfu import cover as xfu_cover

HEADING = f"{points.HEADING}\n"
SMALL = ("m=1", "k=2", "n=2", "bus=64", "a_words=64", "acc_tiles=8", "weight_beats=4")


def point(kind, what, hits, *, line=2, column=3, module="d_part", instance="TOP.d.a"):
    fields = {"f": "design.v", "l": line, "n": column, "t": kind, "page": f"v_{kind}/{module}", "o": what}
    text = "".join(f"\1{name}\2{value}" for name, value in {**fields, "h": instance}.items())
    return f"C '{text}' {hits}\n"


def written(folder, name, *lines):
    path = folder / name
    path.write_text(HEADING + "".join(lines))
    return path


def test_counts_of_instances_and_runs_are_added_up(tmp_path):
    a = written(
        tmp_path,
        "a.dat",
        point("branch", "else", 0),
        point("branch", "else", 2, instance="TOP.d.b"),
        point("toggle", "a___05Fb[3]:0->1", 0),
        point("toggle", "a___05Fb[3]:1->0", 0),
    )
    b = written(tmp_path, "b.dat", point("branch", "else", 5), point("line", "block", 0))
    merged = points.merge([a, b])
    assert merged[Point("branch", "d_part", 2, 3, "else")] == 7
    assert points.untoggled(merged) == {"a__b": 2}
    assert points.counts(merged) == ((0, 1), (1, 1), (0, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a file of counts"),
        (HEADING + point("line", "block", 1)[:-1], "not all of it"),
        (HEADING + "C 'nothing' 3\n", "line 2"),
        (HEADING + point("line", "block", 1) + point("user", "cover", 1), "line 3"),
    ],
)
def test_what_is_no_file_of_counts_is_refused(tmp_path, text, message):
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises(ToolError, match=message):
        points.read(tmp_path / "a.dat")


def test_a_reason_is_needed_and_needs_a_line():
    verilog = ["module d_part;", "  if (fault) a <= 1;", "  if (enable) b <= 1;"]
    found = Counter(
        {
            Point("branch", "d_part", 2, 3, "if"): 0,
            Point("branch", "d_part", 3, 3, "if"): 0,
            Point("branch", "d_part", 3, 4, "else"): 1,
            Point("toggle", "d_part", 1, 1, "c:0->1"): 0,
        }
    )
    known = [Reason("part", "fault", "why"), Reason("other", "enable", "why"), Reason("par", "enable", "why")]
    first, second = holes(found, "d", verilog, known)
    assert (first.reason, first.text, first.side) == (known[0], "if (fault) a <= 1;", "if")
    assert (second.reason, second.module) == (None, "part")
    covered = run.Covered("d", "engine", 4, {"bin": 1}, {"part": found}, [first, second])
    with pytest.raises(CheckError, match=r"1 lines are not reached, and nothing says why: part: if .enable."):
        run.Coverage(1, [covered]).require()
    covered = run.Covered("d", "engine", 4, {"bin": 1}, {"part": found}, [first])
    run.Coverage(1, [covered]).require()
    assert run.unused(known, [covered]) == known[1:]
    with pytest.raises(CheckError, match="explains no line any more"):
        run.Coverage(1, [covered], known[1:]).require()
    sheets = report.sheets(run.Coverage(1, [covered]))
    assert sheets[0].rows == [("d", "4", "1/1", "0/0", "1/3", "0/1")]
    assert sheets[-1].rows == [("part", "if (fault) a <= 1;", "if", "why", "1")]


def test_other_builds_are_as_they_were():
    assert build_coverage.options() == [] and build_coverage.current() is None
    with build_coverage.collecting() as outer:
        assert build_coverage.options() == list(build_coverage.OPTIONS)
        with pytest.raises(ZeroDivisionError), build_coverage.collecting():
            _ = 1 / 0
        assert build_coverage.current() is outer
    assert build_coverage.options() == [] and build_coverage.current() is None
    assert set(build_coverage.OPTIONS) < set(verilator.RUNTIMES)


@pytest.mark.long
def test_an_engine_is_covered_and_a_stimulus_left_out_is_told(monkeypatch):
    """The random layers hit every bin; without waits and resets those are missing."""
    arguments = [part for field in SMALL for part in ("--set", field)]
    command = ["verify", "engine-int8", *arguments, "--coverage", "--seed", str(SEED), "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    (figures,) = json.loads(done.stdout)["designs"]
    assert not figures["bins_missing"] and figures["branches"]["reached"] > 300
    assert figures["lines"]["reached"] == figures["lines"]["of"] > 150
    assert 0.7 < figures["toggles"]["reached"] / figures["toggles"]["of"] < 1
    assert not figures["not_reached"]
    room = families()["engine"].room("tileloom_sim", "cover")
    every = room.random_jobs

    def flowing(config, count, seed):
        return every(config, count, seed, waiting=False)

    monkeypatch.setattr(room, "random_jobs", flowing)
    config = load("engine-int8", **dict(field.split("=") for field in SMALL))
    found = run.coverage_of(config, SEED)
    (design,) = found.designs
    assert {name.partition(":")[0] for name in design.missing} == {
        *("reset", "commands", "index", "weights", "activations", "results", "layer")
    }
    with pytest.raises(CheckError, match=r"14 bins are not hit: index: a row that is not there"):
        found.require()


def test_a_unit_without_resets_misses_them(monkeypatch):
    """A run of one phase hits what it has cycles for."""
    monkeypatch.setattr(xfu_cover, "PHASES", (500,))
    monkeypatch.setattr(xfu_cover, "SEEDS", 1)
    (design,) = run.coverage_of(load("xfu-unit", group_sizes="8"), SEED).designs
    assert {"reset: with an instruction inside", "reset: with a load asked for"} <= set(design.missing)
    assert len(design.missing) < 20
    assert design.bins["loads: waits"] > 20 and design.bins["1:8: byte 3 of rd"] > 5


@pytest.mark.long
def test_a_unit_that_counts_wrong_fails(monkeypatch):
    config = load("xfu-unit")
    design = families()["xfu"].room("tileloom", "design").generate(config)
    assert design.verilog.count("+ 16'h0001") == 1
    broken = replace(design, verilog=design.verilog.replace("+ 16'h0001", "+ 16'h0003"))
    with pytest.raises(CheckError, match="counter: 0x3, expected 0x1"):
        xfu_cover.regress(config, broken, SEED)


@pytest.mark.long
def test_an_array_whose_tiles_swap_at_random_misses_distances(monkeypatch):
    room = families()["systolic"].room("tileloom_sim", "cover")
    every = room.regress_design
    monkeypatch.setattr(
        room, "regress_design", lambda design, seed: every(design, seed=seed, testcase="regression")
    )
    (design,) = run.coverage_of(load("stream-8x8-int8", rows=2, columns=2), SEED).designs
    assert {"swap after 1 vectors", "swap after 5 vectors"} <= set(design.missing)


@pytest.mark.long
def test_every_family_is_covered_whole():
    found = run.coverage_of_families(SEED)
    found.require()
    assert {design.family for design in found.designs} == set(families()) and len(found.designs) == 17
