"""Streams are proved to be held until taken and to wait for no ready; broken ones are refuted."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tileloom
from tileloom.design import Design
from tileloom.families import load
from tileloom_synth.verify.netlist import bits_of, cone, netlist_of_design
from tileloom_synth.verify.plan import proofs_of
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import refute
from tileloom_synth.verify.streams import held_query, level_queries, no_path, outgoing
from tileloom_synth.verify.structure import TreeError

SMALL_ENGINE = {"m": 2, "k": 2, "n": 2, "bus": 64, "a_words": 8, "acc_tiles": 4, "weight_beats": 2}
DESIGNS = {
    "stream array": (
        "stream-8x8-int8",
        {"rows": 2, "columns": 3, "add_stages": 2, "axi4_stream_names": True},
    ),
    "array behind registers": (
        "stream-8x8-int8",
        {"rows": 2, "columns": 3, "double_buffer": True, "wrapper": "axi4"},
    ),
    "word array": ("sasp-4x4-int8", {"rows": 3, "columns": 2}),
    "engine": ("engine-int8", {**SMALL_ENGINE, "weight_beats": 1}),
    "AXI4 engine": ("engine-int8-axi4", {**SMALL_ENGINE, "burst_beats": 2}),
    "engine behind registers": ("engine-int8-axi4", {**SMALL_ENGINE, "burst_beats": 2, "wrapper": "axi4"}),
    "systolic engine": ("engine-fp32-int8", {"k": 2, "n": 2, "bus": 64}),
    "unit": ("xfu-unit", {}),
}


COVERED = "AXI4 engine"
"""Its streams are those of the engine behind registers, too."""


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        pytest.param(*design, id=name, marks=[pytest.mark.long] if name == COVERED else [])
        for name, design in DESIGNS.items()
    ],
)
def test_streams_are_proved(preset: str, fields: dict) -> None:
    proofs = [proof for proof in proofs_of(load(preset, **fields)) if not proof.rounding]
    assert len(proofs) >= 2
    for proof in proofs:
        outcome = decide(proof, timeout=300)
        assert outcome.proved is True, proof.title


def with_ready_tied(design: Design, ready: str) -> Design:
    """Return a design that takes a ready for high: what is offered goes on whether it was taken or not."""
    top, _, others = design.verilog.partition("endmodule")
    assert f"input {ready};" in top
    head, _, body = top.partition(f"input {ready};")
    tied = body.replace(f"wire {ready};", "").replace(ready, f"{ready}_tied")
    declared = f"input {ready};\n  wire {ready}_tied = 1'h1;"
    return replace(design, verilog=f"{head}{declared}{tied}endmodule{others}")


@pytest.mark.parametrize(
    ("preset", "fields", "name"),
    [
        (*DESIGNS["stream array"], "results"),
        (*DESIGNS["array behind registers"], "results"),
        (*DESIGNS["engine"], "results"),
        (*DESIGNS["AXI4 engine"], "aw channel"),
        (*DESIGNS["AXI4 engine"], "w channel"),
        (*DESIGNS["engine behind registers"], "register b channel"),
        (*DESIGNS["engine behind registers"], "register r channel"),
    ],
)
def test_what_goes_on_without_ready_is_refuted(preset: str, fields: dict, name: str) -> None:
    design = tileloom.generate(load(preset, **fields))
    (stream,) = (each for each in outgoing(design.manifest) if each.name == name)
    broken = netlist_of_design(with_ready_tied(design, stream.ready))
    assert refute([held_query(broken, design.manifest, stream)], timeout=300) is not None


def test_queues_that_miscount_are_refuted() -> None:
    preset, fields = DESIGNS["AXI4 engine"]
    design = tileloom.generate(load(preset, **fields))
    netlist = netlist_of_design(design)
    nets = {net.name: net for net in netlist.nets}
    for field in ("level", "r_port__addr", "w_port__addr"):
        name = f"|top_n array.write.lengths.storage.{field}|"
        (register,) = cone(nets, name) & dict(netlist.registers).keys()
        width = bits_of(nets[register].sort)
        registers = tuple(
            (other, f"(bvxor {value} (_ bv1 {width}))" if other == register else value)
            for other, value in netlist.registers
        )
        broken = replace(netlist, registers=registers)
        assert refute(level_queries(broken, design.manifest), timeout=300) is not None, field


def test_a_valid_that_waits_for_ready_is_named() -> None:
    preset, fields = DESIGNS["stream array"]
    design = tileloom.generate(load(preset, **fields))
    (stream,) = outgoing(design.manifest)
    top, _, others = design.verilog.partition("endmodule")
    assert f"({stream.valid})" in top
    waiting = top.replace(f"({stream.valid})", "(offered)")
    waiting += f"  wire offered;\n  assign {stream.valid} = offered & {stream.ready};\nendmodule"
    netlist = netlist_of_design(replace(design, verilog=waiting + others))
    assert no_path(netlist_of_design(design), stream, [stream.ready]) > 1
    with pytest.raises(TreeError, match=f"{stream.valid} waits for {stream.ready}"):
        no_path(netlist, stream, [stream.ready])
    # It is held all the same: where ready is low, valid is not high.
    assert refute([held_query(netlist, design.manifest, stream)], timeout=300) is None


def test_every_stream_of_a_manifest_is_found() -> None:
    found = {
        name: [stream.name for stream in outgoing(tileloom.generate(load(preset, **fields)).manifest)]
        for name, (preset, fields) in DESIGNS.items()
    }
    assert found == {
        "stream array": ["results"],
        "array behind registers": ["results", "register b channel", "register r channel"],
        "word array": ["results"],
        "engine": ["results"],
        "AXI4 engine": ["status", "ar channel", "aw channel", "w channel"],
        "engine behind registers": [
            *("ar channel", "aw channel", "w channel"),
            *("register b channel", "register r channel"),
        ],
        "systolic engine": ["results"],
        "unit": ["loads", "results"],
    }
