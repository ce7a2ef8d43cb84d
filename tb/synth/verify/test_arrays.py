"""Arrays are proved: which words meet and when, and that weights are those of a vector's tile."""

from dataclasses import replace

import pytest
from amaranth.hdl import Const

from tileloom.families import load
from tileloom.systolic.coprocessor.cv_x_if import CvXIf
from tileloom.systolic.mesh import Mesh
from tileloom.systolic.pe import ProcessingElement
from tileloom.systolic.skew import Skew
from tileloom.systolic.timing import Timetable
from tileloom_synth.systolic import answers
from tileloom_synth.systolic.coprocessor import coprocessor_proofs, queries
from tileloom_synth.systolic.formal import IN_HOST, small
from tileloom_synth.systolic.tiles import tile_proofs
from tileloom_synth.systolic.vectors import vector_proofs
from tileloom_synth.verify.netlist import cone, open_netlist
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import refute

from .inverted import inverted

STREAM = ("stream-8x8-int8", {"rows": 2, "columns": 3})
WORD = ("sasp-8x8-int8", {"rows": 3, "columns": 2, "step_interval": 3})
SLOW = (
    "stream-8x8-fp16",
    {"rows": 3, "columns": 4, "step_interval": 3, "multiply_stages": 2, "add_stages": 2},
)


def outcomes(preset: str, fields: dict) -> dict[str, bool | None]:
    """Return by title what came of each proof of an array."""
    config = load(preset, **fields)
    return {
        proof.title.partition(":")[0]: decide(proof, timeout=600).proved
        for proof in (*vector_proofs(config), *tile_proofs(config))
    }


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        STREAM,
        WORD,
        SLOW,
        (STREAM[0], STREAM[1] | {"gate_zeros": True}),
        (WORD[0], WORD[1] | {"gate_zeros": True}),
        ("stream-8x8-int8", {"rows": 1, "columns": 1}),
        ("stream-8x8-int8", {"rows": 4, "columns": 4, "double_buffer": False, "step_interval": 2}),
        ("stream-8x8-int8", {"rows": 2, "columns": 5, "broadcast": 2, "step_interval": 2, "add_stages": 2}),
        ("sasp-8x8-fp32", {"rows": 2, "columns": 4, "step_interval": 4, "double_buffer": True}),
        pytest.param("stream-8x8-int8", {}, marks=pytest.mark.long),
        pytest.param("stream-8x8-int8", {"rows": 16, "columns": 16}, marks=pytest.mark.long),
        pytest.param("sasp-8x8-int8", {"double_buffer": True}, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_arrays_are_proved(preset: str, fields: dict) -> None:
    assert outcomes(preset, fields) == {
        "results": True,
        "a stall changes nothing": True,
        "nothing waits for ever": True,
        "weights": True,
    }


@pytest.mark.parametrize("double_buffer", [False, True])
@pytest.mark.parametrize(("preset", "fields"), [STREAM, WORD])
def test_weights_overwritten_a_cycle_early_are_noticed(preset, fields, double_buffer, monkeypatch) -> None:
    kept = Timetable.weights_released.fget
    monkeypatch.setattr(Timetable, "weights_released", property(lambda table: kept(table) - 1))
    assert outcomes(preset, fields | {"double_buffer": double_buffer})["weights"] is False


@pytest.mark.parametrize("name", ["psum_due", "activation_due"])
def test_a_word_that_comes_a_cycle_late_is_noticed(name, monkeypatch) -> None:
    kept = getattr(Timetable, name)
    monkeypatch.setattr(Timetable, name, lambda table, index: kept(table, index) + (index == 1))
    assert outcomes(*STREAM)["results"] is False


@pytest.mark.parametrize(("preset", "fields"), [STREAM, WORD])
def test_rows_exchanged_are_noticed(preset, fields, monkeypatch) -> None:
    kept = Mesh.elaborate

    def exchanged(mesh: Mesh, platform: object) -> object:
        mesh.activations = [mesh.activations[1], mesh.activations[0], *list(mesh.activations)[2:]]
        return kept(mesh, platform)

    monkeypatch.setattr(Mesh, "elaborate", exchanged)
    assert outcomes(preset, fields)["results"] is False


@pytest.mark.parametrize(("preset", "fields"), [STREAM, WORD])
def test_registers_that_move_in_a_stall_are_noticed(preset, fields, monkeypatch) -> None:
    kept = Skew.elaborate

    def restless(skew: Skew, platform: object) -> object:
        skew.enable = Const(1)
        return kept(skew, platform)

    monkeypatch.setattr(Skew, "elaborate", restless)
    assert outcomes(preset, fields)["a stall changes nothing"] is False


@pytest.mark.parametrize("wrong", ["zero", "weight"])
@pytest.mark.parametrize(("preset", "fields"), [STREAM, WORD])
def test_words_kept_back_for_no_zero_are_noticed(preset, fields, wrong, monkeypatch) -> None:
    """An element that takes every activation for zero, or a multiplier that is given none behind a weight."""
    kept = ProcessingElement.elaborate

    def closed(element: ProcessingElement, platform: object) -> object:
        if wrong == "zero" and not element.following:
            element.zero_in = Const(1)
        if wrong == "weight":
            element.factor = replace(element.factor, zero=element.factor.zero ^ 1)
        return kept(element, platform)

    monkeypatch.setattr(ProcessingElement, "elaborate", closed)
    assert outcomes(preset, fields | {"gate_zeros": True})["results"] is False


GIVEN = ("decode.legal", "decode.operation", "guard.clear", "unit__ready")
RESULT = ("result_valid", "result_id", "result_rd", "issue_ready", "issue_accept", "unit__taken")


def test_an_array_on_cv_x_if_and_that_its_nets_matter() -> None:
    """Nets of the commit logic are noticed where inverted; what decodes words is given here."""
    config = small(load("sasp-cv-x-if"), IN_HOST)
    proofs = coprocessor_proofs(config)
    assert all(decide(proof, timeout=300).proved for proof in proofs) and len(proofs) == 3
    netlist = open_netlist(CvXIf(config))
    kept = ("commitment.waits", "commitment.executes", "commitment.committed", "committed")
    nets = {net.name: net for net in netlist.nets}
    given = set().union(*(cone(nets, f"|top_n {name}|") for name in GIVEN))
    broken = [
        (net, other)
        for net, other in inverted(netlist, RESULT, registers=kept)
        if net.name not in given and "unit" not in net.name
    ]
    assert len(broken) > 30
    left = [net for net, other in broken[::4] if refute(queries(config, other), timeout=300) is None]
    assert not left, left


COUNTED = (
    *("unread", "place", "start", "wavefront.line", "tile.complete"),
    *("results.count", "results.newest_place", "results.oldest_place"),
)


def test_nets_of_an_arrays_answers_matter() -> None:
    """Those that count are noticed where inverted, but for what says which restored results are refused."""
    config = small(load("sasp-cv-x-if"), IN_HOST)
    netlist = answers.open_unit(config)
    broken = list(inverted(netlist, ("ready",), registers=COUNTED, every=3))
    assert len(broken) > 20
    left = [net for net, other in broken if refute(answers.queries(config, other), timeout=300) is None]
    assert len(left) <= 2, left
