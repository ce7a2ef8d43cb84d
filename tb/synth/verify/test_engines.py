"""Parts of the engine are proved: walker, loader, tiles, drain, halves, sums, AXI4. Broken ones are not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from amaranth.hdl import Const

from support.mutant import mutant
from tileloom.engine.accumulators import Accumulators
from tileloom.engine.axi import engine
from tileloom.engine.axi.read import ReadChannel, Units
from tileloom.engine.axi.runs import Bursts, Runs
from tileloom.engine.axi.signals import STREAM_JOB, activation_job, result_job
from tileloom.engine.axi.write import Beats, WriteClient
from tileloom.engine.dispatch import Dispatch
from tileloom.engine.drain import Drain, result_layout
from tileloom.engine.engine import Engine, core_timing
from tileloom.engine.loader import Loader
from tileloom.engine.locks import Lock
from tileloom.engine.sequencer import Sequencer
from tileloom.engine.walker import Walker
from tileloom.families import load
from tileloom.stream.queue import Queue
from tileloom_synth.engine import (
    accumulator_halves,
    accumulators,
    bursts,
    commands,
    loader,
    master,
    runs,
    units,
    walker,
)
from tileloom_synth.engine.drain import DrainProof
from tileloom_synth.engine.formal import small
from tileloom_synth.engine.halves import half_proofs
from tileloom_synth.engine.master import master_proofs
from tileloom_synth.engine.queue_words import queue_queries
from tileloom_synth.engine.tiles import TileProof
from tileloom_synth.verify.netlist import Net, Netlist, cone, open_netlist
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import Query, refute

from .inverted import inverted

Queries = Callable[[Netlist], Sequence[Query]]


def proved(preset: str, **fields) -> bool | None:
    (proof,) = half_proofs(small(load(preset, **fields)))
    return decide(proof, timeout=300).proved


@pytest.mark.parametrize(
    ("preset", "fields"),
    [("engine-int8", {}), ("engine-int8-axi4", {"activation_mask": True}), ("engine-fp32-int8", {})],
)
def test_halves_are_apart(preset: str, fields: dict) -> None:
    assert proved(preset, **fields)


@pytest.mark.parametrize(
    ("component", "signal", "other"),
    [
        (Lock, "take", "give"),  # counts the wrong way
        (Loader, "half_free", None),  # fills without asking
        (Sequencer, "a_full", None),  # reads what is not there
    ],
)
def test_who_does_not_ask_is_noticed(component, signal, other, monkeypatch) -> None:
    kept = component.elaborate

    def careless(self, platform):
        setattr(self, signal, Const(1) if other is None else getattr(self, other))
        return kept(self, platform)

    monkeypatch.setattr(component, "elaborate", careless)
    assert proved("engine-int8") is False


TOKENS = ("tokens__valid", "tokens__payload", "index__ready", "commands__ready", "fault", "column")


def test_the_walker_and_that_each_of_its_nets_matters() -> None:
    netlist = open_netlist(Walker())
    assert refute(walker.queries(netlist), timeout=300) is None
    broken = list(inverted(netlist, TOKENS))
    assert len(broken) > 30
    for net, other in broken:
        assert refute(walker.queries(other), timeout=300) is not None, net


@pytest.mark.parametrize(
    "fields", [{}, {"bus": 64, "burst_beats": 4}, {"bus": 512, "burst_beats": 64}, {"burst_beats": 256}]
)
def test_bursts(fields: dict) -> None:
    (proof,) = bursts.burst_proofs(load("engine-int8-axi4", **fields))
    assert decide(proof, timeout=300).proved


def test_each_net_of_the_bursts_matters() -> None:
    config = load("engine-int8-axi4")
    job = activation_job(config)
    netlist = open_netlist(Bursts(config, job))
    broken = list(inverted(netlist, ("bursts__valid", "bursts__payload", "runs__ready")))
    assert len(broken) > 15
    left = [net for net, other in broken if refute(bursts.queries(config, job, other), timeout=300) is None]
    # Of the run's last byte the beat alone counts, and not the lowest bit.
    assert len(left) == 1 and "bvsub" in (left[0].value or "")


def test_a_burst_that_may_be_longer_than_the_page_is_refuted() -> None:
    config = load("engine-int8-axi4", bus=64, burst_beats=256)
    wide = Bursts(replace(config, burst_beats=128), STREAM_JOB)
    longer = replace(config, burst_beats=64)
    assert refute(bursts.queries(longer, STREAM_JOB, open_netlist(wide)), timeout=300) is not None


@pytest.mark.parametrize("fields", [{}, {"bus": 64, "burst_beats": 4, "address_bits": 40}])
def test_channels(fields: dict) -> None:
    for proof in master_proofs(small(load("engine-int8-axi4", **fields))):
        assert decide(proof, timeout=300).proved, proof.title


FILLS = ("take", "give", "commands__ready", "activations__ready", "block_done", "x", "block")
FILLED = ("fill__valid", "fill__address", "fill__unit", "fill__half")


@pytest.mark.parametrize(
    ("preset", "fields"),
    [("engine-int8", {"a_words": 64}), ("engine-int8", {"m": 1, "k": 3}), ("engine-fp32", {})],
)
def test_the_loader_and_that_each_of_its_nets_matters(preset: str, fields: dict) -> None:
    config = load(preset, **fields)
    netlist = open_netlist(Loader(config))
    assert refute(loader.queries(config, netlist), timeout=300) is None
    broken = list(inverted(netlist, FILLS + FILLED, every=3))
    assert len(broken) > 20
    for net, other in broken:
        assert refute(loader.queries(config, other), timeout=300) is not None, net


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("engine-int8", {"acc_tiles": 4}),
        ("engine-int8", {"acc_tiles": 5, "requantise": False, "m": 1}),
        ("engine-fp32-int8", {"acc_tiles": 4}),
    ],
)
def test_accumulators_and_that_each_of_their_nets_matters(preset: str, fields: dict) -> None:
    config = small(load(preset, **fields))
    timing = core_timing(config)
    netlist = open_netlist(Accumulators(config, timing))
    assert refute(accumulators.queries(config, timing, netlist), timeout=300) is None
    broken = list(inverted(netlist, ("psum", "drain__word", "finished"), every=2))
    assert len(broken) > 20
    for net, other in broken:
        assert refute(accumulators.queries(config, timing, other), timeout=300) is not None, net


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("engine-int8", {"m": 4, "k": 3, "n": 5, "drain_rows": 2, "requantise": False}),
        ("engine-int8-axi4", {"m": 2, "activation_mask": True}),
        ("engine-fp32-int8", {"k": 3, "n": 2}),
    ],
)
def test_halves_of_the_accumulators_are_apart(preset: str, fields: dict) -> None:
    (proof,) = accumulator_halves.accumulator_half_proofs(load(preset, **fields))
    assert decide(proof, timeout=300).proved


HALVES = ("lock_c_free.count", "lock_c_full.count", "sequencer.half", "sequencer.opened", "drain.sums__half")
HALVES += ("drain.row_half",)
WHEN = ("sequencer.enable", "sequencer.may_read", "sequencer.computing", "sequencer.token_done")
WHEN += ("drain.enable", "drain.advance", "drain.last_x", "drain.sums__read")
DECIDED = ("sequencer.c_take", "sequencer.header_take", "drain.sums__read", "lock_c_full.give")


def test_each_net_of_the_halves_of_the_accumulators_matters() -> None:
    config = small(load("engine-int8"))
    netlist = open_netlist(Engine(config), free=accumulator_halves.CUT)
    registers = (*HALVES, *accumulator_halves.places(config))
    broken = list(inverted(netlist, DECIDED, registers=registers))
    kept = [
        net for net, other in broken if refute(accumulator_halves.queries(config, other), timeout=300) is None
    ]
    assert len(broken) - len(kept) > 60
    # The others say when tiles and rows move, and which: halves are apart whatever they say. One of them,
    # that a row of the image ends, is no signal's value.
    nets = {net.name: net for net in netlist.nets}
    when = {name for signal in WHEN for name in cone(nets, f"|top_n {signal}|")}
    assert len({net.name for net in kept} - when) <= 1


@pytest.mark.parametrize("rule", range(2))
def test_halves_of_the_accumulators_need_each_rule_of_programs(rule: int, monkeypatch) -> None:
    others = [each for index, each in enumerate(accumulator_halves.rules()) if index != rule]
    monkeypatch.setattr(accumulator_halves, "rules", lambda: others)
    (proof,) = accumulator_halves.accumulator_half_proofs(small(load("engine-int8")))
    assert decide(proof, timeout=300).proved is False


DRAINED = ("sums__read", "c_take", "c_give", "commands__ready", "busy", "starts")
DRAINED += ("results__valid", "results__payload.last", "results__payload.data")
PLACE = ("x", "loops.at.y", "loops.at.column", "sums__half", "sums__tile", "group", "headers")
PLACE += ("row", "row_half", "row_group", "row_tile", "row_0", "row_1", "row_2")


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("engine-int8", {"m": 8, "n": 3, "drain_rows": 2, "acc_tiles": 11}),
        ("engine-int8-axi4", {"m": 4, "n": 2, "acc_tiles": 5, "activation_mask": True}),
        ("engine-int8", {"m": 2, "n": 3, "drain_rows": 2, "acc_tiles": 3, "requantise": False}),
        ("engine-fp32-int8", {"n": 2, "acc_tiles": 6}),
    ],
)
def test_the_drain_and_that_each_of_its_nets_matters(preset: str, fields: dict) -> None:
    config = load(preset, **fields)
    netlist = open_netlist(Drain(config))
    assert refute(DrainProof(config, netlist).queries(), timeout=300) is None
    lanes = [
        name for name in netlist.sorts if re.fullmatch(r"lane_\d+__(enable|result|parameters|relu)", name)
    ]
    words = [name for name in netlist.sorts if re.fullmatch(r"word_\d+", name)]
    registers = [name for name in (*PLACE, *words) if name in netlist.sorts]
    outputs = [name for name in (*DRAINED, *lanes) if name in netlist.sorts]
    broken = list(inverted(netlist, outputs, every=2, registers=registers))
    assert len(broken) > 30
    for net, other in broken:
        assert refute(DrainProof(config, other).queries(), timeout=300) is not None, net


SENT = ("tokens__ready", "commands__ready", "done", "a_take", "take", "last", "untouched")
SENT += ("step.valid", "step.tile", "step.half", "step.first", "step.finish")
SENT += ("fetch__valid", "fetch__address", "fetch__wrapped", "fetch__rotation")
VISITED = (
    "tile_loops.loops.at",
    "tile_loops.tile",
    "tile_loops.line",
    "tile_loops.place",
    "tile_loops.tap_row",
)
VISITED += ("tile_loops.stepper.phase", "tile_loops.stepper.base", "tile_loops.stepper.offset")
VISITED += (
    "tile_loops.stepper.bank",
    "half",
    "untouched",
    "reading",
    "at_core",
    "begin_read",
    "begin_at_core",
)


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("engine-int8", {"m": 4, "k": 3, "n": 5, "acc_tiles": 11, "a_words": 64}),
        ("engine-int8-axi4", {"m": 1, "acc_tiles": 3}),
        ("engine-fp32-int8", {"k": 3, "n": 2, "acc_tiles": 6}),
    ],
)
def test_tiles_and_that_each_net_of_the_sequencer_matters(preset: str, fields: dict) -> None:
    config = load(preset, **fields)
    netlist = open_netlist(Sequencer(config, core_timing(config)))
    assert refute(TileProof(config, netlist).queries(), timeout=300) is None
    registers = [name for name in VISITED if name in netlist.sorts]
    outputs = [name for name in SENT if name in netlist.sorts]
    broken = list(inverted(netlist, outputs, every=3, registers=registers))
    kept = [net for net, other in broken if refute(TileProof(config, other).queries(), timeout=300) is None]
    assert len(broken) - len(kept) > 25
    # The others say when a tile may be sent for, which is between the sequencer, the locks and the core.
    nets = {net.name: net for net in netlist.nets}
    when = {name for signal in ("may_open", "may_read", "c_take") for name in cone(nets, f"|top_n {signal}|")}
    assert {net.name for net in kept} <= when


WRITES = ("aw__valid", "aw__payload", "w__valid", "w__payload.last", "w__payload.strb", "bursts__ready")
ANSWERS = ("b__ready", "error", "address")
READS = ("ar__valid", "ar__payload", "beat_valid", "error", "address", "idle")
ASKED = tuple(f"requests_{index}__ready" for index in range(len(master.CLIENTS)))


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.long)])
def test_each_net_of_the_channels_matters(every: int) -> None:
    config = small(load("engine-int8-axi4"))
    client = WriteClient(config, result_layout(config).size, result_job(config))
    writing = open_netlist(client, free=("cutter", "beats"))
    reading = open_netlist(ReadChannel(config, len(master.CLIENTS)))
    for netlist, queries, outputs in (
        (writing, master.write_queries, WRITES + ANSWERS),
        (reading, master.read_queries, READS + ASKED),
    ):
        broken = list(inverted(netlist, outputs, every=every))
        assert len(broken) > 80 // every
        for net, other in broken:
            assert refute(queries(config, other), timeout=300) is not None, net


@pytest.mark.parametrize("name", ["descriptors", "index"])
def test_an_error_that_does_not_end_writing_is_noticed(name: str, monkeypatch) -> None:
    monkeypatch.setattr(engine, "STEERING", tuple(other for other in engine.STEERING if other != name))
    *_, stops = master_proofs(small(load("engine-int8-axi4")))
    assert decide(stops, timeout=300).proved is False


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("client.requests.valid & ~ended", "client.requests.valid"),
        ("ended & idle & write.stopped", "ended & idle"),
        (
            "with m.If(taken):\n            m.d.sync += [status",
            "with m.If(self.status.valid):\n            m.d.sync += [status",
        ),
    ],
    ids=["asks on", "writes on", "not waited for"],
)
def test_a_status_that_goes_away_is_noticed(old: str, new: str, monkeypatch) -> None:
    monkeypatch.setattr(master, "AxiEngine", mutant(engine, old, new).AxiEngine)
    *_, stops = master_proofs(small(load("engine-int8-axi4")))
    assert decide(stops, timeout=300).proved is False


def unnoticed(netlist: Netlist, queries: Queries, ends: Sequence[str], every: int) -> list[Net]:
    """Return the nets of those inverted that a proof holds with; it holds as they are."""
    assert refute(queries(netlist), timeout=300) is None
    broken = list(inverted(netlist, ends, every=every))
    assert len(broken) > 3
    return [net for net, other in broken if refute(queries(other), timeout=300) is None]


@pytest.mark.parametrize("depth", [2, 4])
def test_queues_and_that_each_of_their_nets_matters(depth: int) -> None:
    ends = ("incoming__ready", "outgoing__valid", "outgoing__payload", "empty")
    assert not unnoticed(open_netlist(Queue(4, depth)), partial(queue_queries, depth=depth), ends, 4)


@pytest.mark.parametrize("preset", ["engine-int8", "engine-int8-axi4"])
def test_the_dispatch_and_that_each_of_its_nets_matters(preset: str) -> None:
    config = small(load(preset))
    streams = [f"{unit}__{signal}" for unit in ("load", "walk", "write") for signal in ("valid", "payload")]
    ends = (*streams, "commands__ready", "walk_last", "idle")
    assert not unnoticed(open_netlist(Dispatch(config)), partial(commands.queries, config), ends, 40)


def test_runs_and_that_each_of_their_nets_matters() -> None:
    own = (small(load("engine-int8-axi4")), result_job(load("engine-int8-axi4")))
    ends = ("runs__valid", "runs__payload", "jobs__ready")
    assert not unnoticed(open_netlist(Runs(*own)), partial(runs.queries, *own), ends, 7)


@pytest.mark.parametrize("fields", [{}, {"bus": 64, "k": 4, "n": 4}])
def test_units_and_beats_and_that_each_of_their_nets_matters(fields: dict) -> None:
    config = load("engine-int8-axi4", **fields)
    ends = ("units__valid", "units__payload", "runs__ready", "beats__ready")
    own = (config, *units.read_units(config)["read_activations"])
    assert not unnoticed(open_netlist(Units(*own)), partial(units.read_queries, *own), ends, 3)
    ends = ("beats__valid", "beats__payload", "units__ready", "runs__ready", "idle")
    own = (config, result_layout(config).size, result_job(config))
    assert not unnoticed(open_netlist(Beats(*own)), partial(units.write_queries, *own), ends, 7)
