"""Energy of netlists: the library's tables and units, toggles times energies, arrays by their elements."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from synth.netlists import FALL, LEAK, RISE, mapped, powered
from synth.test_gates import by_hand
from tileloom.cli.main import main
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_explore.network.energy import read_energy
from tileloom_sim.systolic.operands import prepare
from tileloom_synth.constraints import constrain
from tileloom_synth.engine import activity as engine_activity
from tileloom_synth.engine import power as engine_power
from tileloom_synth.engine.core_check import numbers_of, timing_of
from tileloom_synth.gates import bits
from tileloom_synth.gates.flat import flatten
from tileloom_synth.gates.simulator import Simulator
from tileloom_synth.library.standard_cells import LibraryError, generic
from tileloom_synth.library.standard_cells import load as load_library
from tileloom_synth.power.meter import Meter
from tileloom_synth.power.report import BOUNDS, joules, microwatts
from tileloom_synth.power.tables import LibraryUnits, Table
from tileloom_synth.synthesis import synthesise
from tileloom_synth.systolic.activity import activity, random_operands
from tileloom_synth.systolic.array_power import LANES, measure, whole
from tileloom_synth.systolic.element_power import MODES, measure_element

REAL = os.environ.get("TILELOOM_LIBERTY_DIR")
SMALL = (("activation", "fp8_e4m3"), ("accumulator", "fp16"))


def run(*arguments):
    return CliRunner().invoke(main, ["power", *arguments])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return powered(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def library(file):
    return load_library([file])


NANGATE = (Path(str(REAL)) / "nangate45_typ.lib.gz",)


def test_tables_are_linear_between_their_points_and_constant_beyond():
    table = Table(np.array([0.0, 2.0]), np.array([0.0, 4.0]), np.array([[0.0, 4.0], [2.0, 6.0]]))
    slews, loads = np.array([0.0, 1.0, 2.0, 9.0, -1.0]), np.array([0.0, 2.0, 4.0, 9.0, 1.0])
    assert list(table.at(slews, loads)) == [0.0, 3.0, 6.0, 6.0, 1.0]


def test_units_are_the_librarys(library):
    units = LibraryUnits.of(library)
    assert units.energy == pytest.approx(1e-15) and units.leakage == pytest.approx(1e-9)
    assert units.supply == 1.0 and units.load == pytest.approx(1e-15)
    with pytest.raises(LibraryError, match="internal_power"):
        LibraryUnits.of(generic())


def test_an_inverters_energy_by_hand(library, rng):
    """Its output costs the tables' mean, its input's pin C V^2 / 2, in every cycle that it toggles."""
    flat = by_hand(("INV_X2", {"A": 2, "Y": 3}), nets=4, ports={"a": [2], "y": [3]}, inputs=["a"])
    flat.instances[0] = type(flat.instances[0])(
        library.cells["INV_X2"], flat.instances[0].pins, ["u"], ["logic"]
    )
    simulator = Simulator(flat, words=1, clock=None, rng=rng)
    meter = Meter(simulator, LibraryUnits.of(library))
    simulator.set("a", 0)
    simulator.settle()
    meter.begin()
    for cycle in range(12):
        simulator.set("a", int(cycle % 3 == 0))
        simulator.settle()
        meter.cycle()
    reading = meter.read()
    energy = reading.origins["logic"]
    toggles = 8 / 12
    assert energy.internal == pytest.approx(toggles * (RISE + FALL) / 2 * 1e-15)
    assert energy.nets == pytest.approx(toggles * 2e-15 / 2)  # 2 fF at 1 V
    assert energy.clock == 0 and reading.leaks == pytest.approx(LEAK * 1e-9)


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("sasp-4x4-int8", SMALL),
        pytest.param("sasp-4x4-fp32", (), marks=pytest.mark.long),
        pytest.param("stream-8x8-int8", (("rows", 4), ("columns", 4)), marks=pytest.mark.long),
    ],
)
def test_an_array_is_its_elements_and_edges(preset, fields, file, rng):
    """Within 5 % of the whole netlist, in both bounds; idle to the last bit."""
    netlist = mapped(preset, fields, (file,))
    seen = activity(netlist.config, random_operands(netlist.config, rng), rng, LANES)
    arguments = netlist.design, netlist.config, netlist.mapped, netlist.library, seen, rng
    parts = measure(*arguments)
    for bound in BOUNDS:
        every = whole(*arguments, unit_delays=bound == BOUNDS[1])
        assert parts.per_cycle(bound, MODES[0]) == pytest.approx(every[MODES[0]].energy.total, rel=0.05)
        assert parts.per_cycle(bound, MODES[2]) == pytest.approx(every[MODES[2]].energy.total, rel=1e-6)
    assert parts.per_cycle(BOUNDS[0]) < parts.per_cycle(BOUNDS[1])
    assert parts.per_cycle(BOUNDS[0], MODES[2]) < parts.per_cycle(BOUNDS[0], MODES[1])
    assert sum(parts.leakage.values()) == pytest.approx(every[MODES[0]].leaks, rel=1e-6)
    assert parts.per_gemm(BOUNDS[0]) == pytest.approx(16 * parts.per_tile(BOUNDS[0]))


def held_to(path, figures, config):
    """Hold what `tileloom network run --energy` reads of a report to its figures."""
    found = read_energy(path, config)
    for mode in ("computing", "loading_weights", "idle"):
        assert found.cycles[mode] == figures[f"{mode}_cycle_j"]
    assert found.leakage == pytest.approx(sum(figures["leakage_uw"].values()) * 1e-6)
    assert (found.period, found.met) == (20000, figures["met"])


def test_the_command_prints_both_bounds(tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "W.npy", rng.normal(size=(5, 3)).astype(np.float32))
    np.save(tmp_path / "X.npy", rng.normal(size=(9, 5)).astype(np.float32))
    arguments = [
        *("stream-8x8-int8", "--set", "rows=2", "--set", "columns=2", "--liberty", str(powered(tmp_path))),
        *("--clock", "20ns", "--seed", "4"),
        *(word for name, value in SMALL for word in ("--set", f"{name}={value}")),
    ]
    data = ["--weights", str(tmp_path / "W.npy"), "--layout", "KN", "--activations", str(tmp_path / "X.npy")]
    result = run(*arguments, *data, "--json")
    assert result.exit_code == 0, result.output
    dense = json.loads(result.stdout)
    result = run(*arguments, *data, "--prune", "0.5", "-o", str(tmp_path / "power.json"))
    assert result.exit_code == 0 and "unit delay" in result.stdout and "lower bound" in result.stderr
    sparse = json.loads((tmp_path / "power.json").read_text())
    assert dense["met"] and dense["tiles"] == dense["computed"] == 6 and sparse["computed"] == 3
    assert dense["mac_j"]["zero_delay"] < dense["mac_j"]["unit_delay"]
    assert dense["gemm_j"]["zero_delay"] == pytest.approx(6 * dense["tile_j"]["zero_delay"])
    assert sparse["gemm_j"]["zero_delay"] < 0.7 * dense["gemm_j"]["zero_delay"]
    by_origin = dense["pj_per_cycle"]["zero_delay"].values()
    total = sum(sum(each.values()) for each in by_origin)
    assert total == pytest.approx(dense["computing_cycle_j"]["zero_delay"] * 1e12, abs=1e-3)
    held_to(tmp_path / "power.json", sparse, load("stream-8x8-int8", rows=2, columns=2, **dict(SMALL)))


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("engine-int8", (("m", 2), ("k", 3), ("n", 2), ("bus", 64))),
        ("engine-fp32-int8", (("k", 3), ("n", 2), ("bus", 64), *SMALL)),
    ],
    ids=["dot product", "systolic"],
)
def test_a_core_is_measured_while_it_computes_the_gemm(preset, fields, file, rng, monkeypatch):
    """What the netlist gives in measured cycles is the golden model's, block by block in order."""
    netlist = mapped(preset, fields, (file,), "core")
    config, timing = netlist.config, timing_of(netlist.config)
    steps = 2 * timing.latency + 2 + engine_power.TILES
    operands = engine_activity.random_operands(config, rng, prune=0.5)
    seen = engine_activity.activity(config, operands, rng, lanes=64, steps=steps)
    assert (seen.kept, seen.grid, seen.tiles_of_a) == (8, 16, 16) and seen.psums.any()
    results = []

    class Watching(Meter):
        def cycle(self):
            results.append(bits.as_words(self.simulator.get("results"), 64, config.sum_bits))
            super().cycle()

    monkeypatch.setattr(engine_power, "Meter", Watching)
    flat = netlist.flat("core")
    found = engine_power.measure(config, flat, LibraryUnits.of(netlist.library), seen, rng, unit_delays=False)
    numbers = numbers_of(config, rng)
    for place, got in enumerate(results[-engine_power.TILES :], steps - engine_power.TILES - timing.latency):
        assert np.array_equal(
            got, numbers.result(seen.tiles[place], seen.blocks, seen.psums[place]).reshape(64, -1)
        )
    assert (
        found["idle"].energy.total < found["loading weights"].energy.total < found["computing"].energy.total
    )


def test_an_engines_energy_is_of_the_users_gemm(tmp_path):
    rng = np.random.default_rng(1)
    w = rng.integers(-99, 99, (5, 3))
    w[:2, :2] = 0
    np.save(tmp_path / "W.npy", w)
    np.save(tmp_path / "X.npy", rng.integers(-99, 99, (9, 5)))
    arguments = [
        *("engine-int8", "--set", "m=2", "--set", "k=2", "--set", "n=2", "--set", "bus=64"),
        *("--liberty", str(powered(tmp_path)), "--clock", "20ns", "--seed", "4", "--json"),
        *("--weights", str(tmp_path / "W.npy"), "--layout", "KN", "--activations", str(tmp_path / "X.npy")),
    ]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["data"], figures["tiles"], figures["computed"], figures["tiles_of_a"]) == (
        "given",
        6,
        5,
        5,
    )
    assert 0 < figures["mac_j"]["zero_delay"] < figures["mac_j"]["unit_delay"]
    moved = 2 * 2 * 8 + 2 * 2 * 2 * 32  # bits of a tile: A is read, its sums are read and written
    assert figures["memory_j_per_cycle"] == pytest.approx(moved * 156e-15)
    for bound in ("zero_delay", "unit_delay"):
        cycle, loading, tile, gemm = (
            figures[f"{key}_j"][bound] for key in ("computing_cycle", "load", "tile", "gemm")
        )
        assert tile == pytest.approx(5 * cycle + loading) and gemm == pytest.approx(5 * tile)
    (tmp_path / "power.json").write_text(result.stdout)
    held_to(tmp_path / "power.json", figures, load("engine-int8", m=2, k=2, n=2, bus=64))
    np.save(tmp_path / "X.npy", np.ones((2, 5), np.int8))
    assert "2 rows are one tile of A" in run(*arguments).stderr


def test_a_units_energy_is_of_an_instruction(tmp_path):
    result = run("xfu-unit", "--liberty", str(powered(tmp_path)), "--clock", "20ns", "--seed", "4", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert 0 < figures["instruction_j"]["zero_delay"] < figures["instruction_j"]["unit_delay"]


@pytest.mark.parametrize("preset", ["stream-8x8-int8", "engine-int8", "xfu-unit"])
def test_help_says_what_is_needed(preset):
    """The generic library has no tables of power, so that it is no default here."""
    said = " ".join(run(preset, "--help").output.split())
    assert "generic" not in said and "[required, or --pdk]" in said and "report timing. [required]" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--liberty", "LIB", "--clock", "2ns", "--prune", "1"), "all tiles are zero"),
        (("--clock", "2ns"), "--liberty: give a library with tables of power"),
        (("--liberty", "LIB"), "--clock: give a period"),
        (("--liberty", "LIB", "--clock", "2ns", "--layout", "KN"), "--layout: goes with"),
        (("--liberty", "LIB", "--clock", "2ns", "--weights", "LIB"), "give both --weights and --activations"),
        (("--liberty", "LIB", "--clock", "2ns", "--force"), "--force: there is nothing to overwrite"),
        (("--liberty", "LIB", "--clock", "2ns", "--set", "wrapper=axi4"), "wrapper: energy is measured of"),
        (
            ("--liberty", "LIB", "--clock", "2ns", "--memory-energy", "9"),
            "--memory-energy is for a block-sparse tile engine",
        ),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, tmp_path):
    path = str(powered(tmp_path))
    result = run("stream-8x8-int8", *(path if each == "LIB" else each for each in arguments))
    assert result.exit_code == 2, result.output
    assert message in result.stderr.strip().splitlines()[-1]


def test_energies_have_units_that_suit_them():
    assert [microwatts(each) for each in (1.5e-3, 2.2e-9, 0.0)] == ["1,500.00", "0.0022", "0"]
    assert [joules(each) for each in (4.1e-12, 2e-9, 8.25e-16, 0.0)] == ["4.1 pJ", "2 nJ", "0.825 fJ", "0 fJ"]


@pytest.mark.skipif(not REAL, reason="TILELOOM_LIBERTY_DIR is not set: see docs/check.md")
@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "stages", "expected"),
    [("stream-8x8-int8", (1, 2), (4.1, 8.0, 50)), ("stream-8x8-fp32", (2, 2), (6.9, 13.0, 93))],
)
def test_elements_are_near_what_others_measured(preset, stages, expected):
    """Near an outside calculation for 2 ns in Nangate45, pJ a cycle and uW (issue 11).

    With unit delays within 20 %: rows of digits glitch more than Booth's, which that element had.
    """
    cells = load_library(NANGATE)
    fields = {"multiply_stages": stages[0], "add_stages": stages[1]}
    config = load(preset, **fields)
    design = generate(config)
    modules = design.manifest["modules"]
    report = synthesise(
        design.verilog,
        f"{design.name}_processing_element",
        cells,
        constraints=constrain(cells, 2000),
        origins=modules,
    )
    flat = flatten(report.mapped, cells, modules)
    rng = np.random.default_rng(1)
    seen = activity(config, random_operands(config, rng), rng, 256)
    for unit_delays, picojoules, near in ((False, expected[0], 0.15), (True, expected[1], 0.2)):
        found = measure_element(
            config, flat, LibraryUnits.of(cells), seen, rng, unit_delays=unit_delays, transfers=8
        )[MODES[0]]
        assert found.energy.total * 1e12 == pytest.approx(picojoules, rel=near)
    assert found.leaks * 1e6 == pytest.approx(expected[2], rel=0.15)


@pytest.mark.skipif(not REAL, reason="TILELOOM_LIBERTY_DIR is not set: see docs/check.md")
@pytest.mark.long
def test_gated_zeros_save_energy_at_half_density():
    energy = {}
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(64, 32)), rng.normal(size=(32, 32))
    x[rng.random(x.shape) < 0.5] = 0
    for gate in (False, True):
        netlist = mapped("stream-8x8-int8", (("gate_zeros", gate),), NANGATE)
        operands = prepare(netlist.config, ("activations", x), ("weights", w))
        seen = activity(netlist.config, operands, np.random.default_rng(2), 256)
        found = measure_element(
            netlist.config,
            netlist.flat("processing_element"),
            LibraryUnits.of(netlist.library),
            seen,
            np.random.default_rng(2),
            unit_delays=False,
            transfers=8,
        )
        energy[gate] = found[MODES[0]].energy.total
    assert energy[True] < 0.95 * energy[False]
