"""Gate-level simulation in NumPy: cells as their library says, state, clock gates, toggles, glitches."""

import numpy as np
import pytest

from tileloom_synth.flow import Flow
from tileloom_synth.gates import bits
from tileloom_synth.gates.behaviour import over_state
from tileloom_synth.gates.boolean import compiled, expression
from tileloom_synth.gates.flat import Flat, Instances, flatten
from tileloom_synth.gates.simulator import Simulator
from tileloom_synth.gates.units import LoopError
from tileloom_synth.library.recipes import Options
from tileloom_synth.library.standard_cells import generic

COUNTER = """module top (
  input clk, input rst, input enable, input [7:0] step, output reg [7:0] count, output reg [7:0] held);
always @(posedge clk) if (rst) count <= 0; else if (enable) count <= count + step;
always @(posedge clk) if (enable) held <= step;
endmodule
"""


def by_hand(*cells, nets, ports, inputs):
    """Return a netlist of (cell, pins) of the generic library, pins by name and net."""
    library = generic()
    instances = [
        Instances(library.cells[name], {p: np.array([net]) for p, net in pins.items()}, [f"u{i}"], ["logic"])
        for i, (name, pins) in enumerate(cells)
    ]
    arrays = {port: np.array(bits) for port, bits in ports.items()}
    return Flat("top", nets, arrays, frozenset(inputs), instances, {})


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_expressions_are_their_truth_tables(inputs):
    rows = np.arange(1 << inputs)
    operands = [np.where(rows >> place & 1, ~np.uint64(0), np.uint64(0)) for place in range(inputs)]
    for table in range(1 << (1 << inputs)):
        value = np.broadcast_to(compiled(table, inputs)(*operands), rows.shape)
        assert [bool(each) for each in value] == [bool(table >> row & 1) for row in rows], bin(table)


def test_wide_expressions_are_too(rng):
    operands = list(rng.integers(0, 1 << 64, (6, 8), np.uint64))
    for _ in range(100):
        table = int.from_bytes(rng.bytes(8))
        got = bits.to_lanes(compiled(table, 6)(*operands)[None], 512)[:, 0]
        rows = bits.to_lanes(np.stack(operands), 512) @ (1 << np.arange(6))
        assert [table >> int(row) & 1 for row in rows] == list(got.astype(int))
    assert expression(0b0111, ("a", "b")) == "~(b & a)"


def test_the_complement_of_a_state_is_no_input():
    assert over_state("!N D", ("D",), "Q", "N") == 0b1000


def test_words_and_lanes_come_back(rng):
    values = rng.integers(0, 1 << 13, (100, 3), np.uint64)
    assert (bits.as_words(bits.of_words(values, 13), 100, 13) == values).all()


@pytest.mark.parametrize("gated", [True, False], ids=["clock gates", "enable multiplexers"])
def test_registers_count_in_every_lane(rng, gated):
    library = generic()
    mapped = Flow(COUNTER, "top", library).map(Options(clock_gates=gated))
    flat = flatten(mapped, library, {})
    assert any(each.cell.clock_gate for each in flat.instances) == gated
    simulator = Simulator(flat, words=2, clock="clk", rng=rng)
    count, held, known, compared = None, np.zeros(128, np.uint64), np.zeros(128, np.bool_), 0
    for cycle in range(60):
        reset, enable = (rng.random(128) < share for share in (1.0 if cycle == 0 else 0.05, 0.5))
        step = rng.integers(0, 256, 128).astype(np.uint64)
        simulator.set("rst", bits.one(reset))
        simulator.set("enable", bits.one(enable))
        simulator.set("step", bits.of_words(step, 8))
        simulator.settle(unit_delays=cycle % 3 == 0)
        if count is not None:
            assert (bits.as_words(simulator.get("count"), 128, 8)[:, 0] == count).all()
            got = bits.as_words(simulator.get("held"), 128, 8)[:, 0]
            assert (got == held)[known].all()
            compared += 128 + int(known.sum())
        before = np.zeros(128, np.uint64) if count is None else count
        count = np.where(reset, 0, np.where(enable, before + step & np.uint64(255), before))
        held, known = np.where(enable, step, held), known | enable
        simulator.tick()
    assert compared > 110 * 128


def test_toggles_are_counted_by_net(rng):
    library = generic()
    flat = flatten(Flow(COUNTER, "top", library).map(Options()), library, {})
    simulator = Simulator(flat, words=1, clock="clk", rng=rng)
    for port, value in {"rst": 1, "enable": 1, "step": 0}.items():
        simulator.set(port, value)
    simulator.settle()
    simulator.tick()
    simulator.set("rst", 0)
    simulator.set("step", bits.of_words(np.ones(64, np.uint64), 8))
    simulator.settle()
    simulator.tick()
    simulator.count_toggles()
    for _ in range(256):
        simulator.settle()
        simulator.tick()
    toggles = simulator.toggles[simulator.ports["count"]] / 64
    assert list(toggles) == [256, 128, 64, 32, 16, 8, 4, 2]
    assert simulator.toggles[simulator.ports["clk"][0]] == 2 * 256 * 64


def test_a_gate_that_waits_for_an_inverter_glitches(rng):
    """A AND NOT A is 0 but for the time that the inverter takes."""
    flat = by_hand(
        ("INV_X1", {"A": 2, "Y": 3}),
        ("AND2_X1", {"A": 2, "B": 3, "Y": 4}),
        nets=5,
        ports={"a": [2], "y": [4]},
        inputs=["a"],
    )
    for unit_delays, glitches in ((False, 0), (True, 2)):
        simulator = Simulator(flat, words=1, clock=None, rng=rng)
        simulator.set("a", 0)
        simulator.settle()
        simulator.count_toggles()
        simulator.set("a", 1)
        simulator.settle(unit_delays=unit_delays)
        assert simulator.toggles[simulator.ports["y"][0]] == 64 * glitches
        assert not simulator.get("y").any()


def test_a_loop_of_gates_is_refused(rng):
    flat = by_hand(
        ("INV_X1", {"A": 2, "Y": 3}), ("INV_X1", {"A": 3, "Y": 2}), nets=4, ports={"y": [3]}, inputs=[]
    )
    with pytest.raises(LoopError, match="loop"):
        Simulator(flat, words=1, clock=None, rng=rng)
