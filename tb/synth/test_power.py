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
from tileloom_sim.systolic.operands import prepare
from tileloom_synth.constraints import constrain
from tileloom_synth.gates.flat import flatten
from tileloom_synth.gates.simulator import Simulator
from tileloom_synth.library.standard_cells import LibraryError, generic
from tileloom_synth.library.standard_cells import load as load_library
from tileloom_synth.power.meter import Meter
from tileloom_synth.power.report import BOUNDS, joules
from tileloom_synth.power.tables import Table, Units
from tileloom_synth.synthesis import synthesise
from tileloom_synth.systolic.activity import activity, random_operands
from tileloom_synth.systolic.array_power import measure, whole
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
    units = Units.of(library)
    assert units.energy == pytest.approx(1e-15) and units.leakage == pytest.approx(1e-9)
    assert units.supply == 1.0 and units.load == pytest.approx(1e-15)
    with pytest.raises(LibraryError, match="internal_power"):
        Units.of(generic())


def test_an_inverters_energy_by_hand(library, rng):
    """Its output costs the tables' mean, its input's pin C V^2 / 2, in every cycle that it toggles."""
    flat = by_hand(("INV_X2", {"A": 2, "Y": 3}), nets=4, ports={"a": [2], "y": [3]}, inputs=["a"])
    flat.instances[0] = type(flat.instances[0])(
        library.cells["INV_X2"], flat.instances[0].pins, ["u"], ["logic"]
    )
    simulator = Simulator(flat, words=1, clock=None, rng=rng)
    meter = Meter(simulator, Units.of(library))
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


def test_an_array_is_its_elements_and_edges(file, rng):
    """Within 5 % of the whole netlist, in both bounds; idle to the last bit."""
    netlist = mapped("sasp-4x4-int8", SMALL, (file,))
    operands = random_operands(netlist.config, rng)
    arguments = netlist.design, netlist.config, netlist.mapped, netlist.library, operands, rng
    parts = measure(*arguments)
    for bound in BOUNDS:
        every = whole(*arguments, unit_delays=bound == BOUNDS[1])
        assert parts.per_cycle(bound, MODES[0]) == pytest.approx(every[MODES[0]].energy.total, rel=0.05)
        assert parts.per_cycle(bound, MODES[2]) == pytest.approx(every[MODES[2]].energy.total, rel=1e-6)
    assert parts.per_cycle(BOUNDS[0]) < parts.per_cycle(BOUNDS[1])
    assert parts.per_cycle(BOUNDS[0], MODES[2]) < parts.per_cycle(BOUNDS[0], MODES[1])
    assert sum(parts.leakage.values()) == pytest.approx(every[MODES[0]].leaks, rel=1e-6)
    assert parts.per_gemm(BOUNDS[0]) == pytest.approx(16 * parts.per_tile(BOUNDS[0]))


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


@pytest.mark.parametrize(
    ("preset", "fields", "key"),
    [
        ("engine-int8", ("m=2", "k=2", "n=2", "bus=64"), "mac_j"),
        ("xfu-unit", (), "instruction_j"),
    ],
)
def test_cores_and_units_have_energies_too(preset, fields, key, tmp_path):
    settings = [word for field in fields for word in ("--set", field)]
    arguments = [preset, *settings, "--liberty", str(powered(tmp_path)), "--clock", "20ns", "--seed", "4"]
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert 0 < figures[key]["zero_delay"] < figures[key]["unit_delay"]
    if preset == "engine-int8":
        bits = 2 * 2 * 8 + 2 * 2 * 2 * 32  # a tile of A is read, its sums are read and written
        assert figures["memory_j_per_cycle"] == pytest.approx(bits * 156e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--clock", "2ns"), "--liberty: give a library with tables of power"),
        (("--liberty", "LIB"), "--clock: give a period"),
        (("--liberty", "LIB", "--clock", "2ns", "--layout", "KN"), "--layout: goes with"),
        (("--liberty", "LIB", "--clock", "2ns", "--weights", "LIB"), "give both --weights and --activations"),
        (("--liberty", "LIB", "--clock", "2ns", "--force"), "--force: there is nothing to overwrite"),
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
    assert [joules(each) for each in (4.1e-12, 2e-9, 8.25e-16, 0.0)] == ["4.1 pJ", "2 nJ", "0.825 fJ", "0 fJ"]


@pytest.mark.skipif(not REAL, reason="TILELOOM_LIBERTY_DIR is not set: see docs/check.md")
@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "stages", "expected"),
    [("stream-8x8-int8", (1, 2), (4.1, 8.0, 50)), ("stream-8x8-fp32", (2, 2), (6.9, 13.0, 93))],
)
def test_elements_are_near_what_others_measured(preset, stages, expected):
    """Within 15 % of an outside calculation for 2 ns in Nangate45, pJ a cycle and uW (issue 11)."""
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
    for unit_delays, picojoules in ((False, expected[0]), (True, expected[1])):
        found = measure_element(
            config, flat, Units.of(cells), seen, rng, unit_delays=unit_delays, transfers=8
        )[MODES[0]]
        assert found.energy.total * 1e12 == pytest.approx(picojoules, rel=0.15)
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
            Units.of(netlist.library),
            seen,
            np.random.default_rng(2),
            unit_delays=False,
            transfers=8,
        )
        energy[gate] = found[MODES[0]].energy.total
    assert energy[True] < 0.95 * energy[False]
