"""Netlists held to the golden model and proved equal to their RTL; both find one tied input of one cell."""

import json
import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from synth.netlists import mapped
from tileloom.cli.main import main
from tileloom_sim.systolic.interface import Interface
from tileloom_synth.check.mutants import mutants
from tileloom_synth.check.proof import prove
from tileloom_synth.engine.core_check import check_core
from tileloom_synth.systolic.array_check import check_array
from tileloom_synth.systolic.element_check import check_element
from tileloom_synth.xfu.unit_check import check_unit

REAL = os.environ.get("TILELOOM_LIBERTY_DIR")
SMALL = (("rows", 2), ("columns", 3), ("activation", "fp8_e4m3"), ("accumulator", "fp16"))
PORTS = [("stream-8x8-int8", SMALL), ("sasp-4x4-int8", SMALL)]
ELEMENTS = {
    "small": ("stream-8x8-int8", SMALL),
    "nearest-even": ("stream-8x8-int8", (*SMALL, ("rounding", "nearest-even"), ("add_stages", 3))),
    "single-buffered": ("sasp-4x4-fp32", (("rows", 1), ("columns", 1))),
    "zeros gated": ("stream-8x8-int8", (("rows", 2), ("columns", 2), ("gate_zeros", True))),
    "carry-save": ("stream-8x8-fp16", (*SMALL, ("multiply_stages", 2), ("carry_save", True))),
}
VECTORS = 20_000


def run(*arguments):
    return CliRunner().invoke(main, ["synth", *arguments])


def proved(netlist, module, flat=None):
    top = f"{netlist.design.name}_{module}" if module else netlist.design.name
    return prove(
        module or "top", netlist.design.verilog, top, flat or netlist.flat(module), "clk", timeout=120
    )


@pytest.mark.parametrize("name", ELEMENTS)
def test_an_element_is_the_golden_models(name, rng):
    netlist = mapped(*ELEMENTS[name], module=None if name == "small" else "processing_element")
    found = check_element(netlist.config, netlist.flat("processing_element"), rng, VECTORS)
    found.require()
    assert found.vectors >= VECTORS and found.words > VECTORS


def test_twenty_mutants_of_an_element_are_found(rng):
    """One that no vector finds must be none: SAT proves it equal to the RTL."""
    netlist = mapped(*ELEMENTS["small"])
    equal = 0
    for name, mutant in islice(mutants(netlist.flat("processing_element"), rng), 24):
        if not check_element(netlist.config, mutant, rng, 2 * VECTORS).wrong:
            proof = proved(netlist, "processing_element", mutant)
            assert proof.proved, f"{name}: {proof.why}"
            equal += 1
    assert equal <= 4


@pytest.mark.parametrize("count", [3, pytest.param(24, marks=pytest.mark.long)])
def test_proofs_find_what_vectors_find(count, rng):
    netlist = mapped(*ELEMENTS["small"])
    assert proved(netlist, "processing_element").proved
    refuted = 0
    for name, mutant in islice(mutants(netlist.flat("processing_element"), rng), count):
        wrong = check_element(netlist.config, mutant, rng, 5 * VECTORS).wrong
        proof = proved(netlist, "processing_element", mutant)
        if "a clock that is neither" in proof.why:
            # Of a register whose clock is tied there is no next state to prove anything of.
            assert wrong and not proof.proved
            continue
        assert proof.proved == (not wrong) and proof.differs == bool(wrong), f"{name}: {proof.why}"
        refuted += proof.differs
    assert refuted >= count // 2


@pytest.mark.parametrize(("preset", "fields"), PORTS, ids=["stream", "word"])
def test_an_array_is_the_golden_models(preset, fields, rng):
    netlist = mapped(preset, fields)
    interface = Interface.of_manifest(netlist.design.manifest)
    found = check_array(interface, netlist.flat(), rng)
    found.require()
    assert found.vectors == 64 * 13 and found.words > 64 * 13
    # Beside the elements: skew, weight loading, control.
    wrong = 0
    edges = (each for each in mutants(netlist.flat(), rng) if ".element_" not in each[0])
    for _, mutant in islice(edges, 6):
        wrong += check_array(interface, mutant, rng).wrong > 0
    assert wrong >= 5


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("engine-int8", (("m", 2), ("k", 3), ("n", 5), ("bus", 64))),
        ("engine-fp32-int8", (("k", 3), ("n", 4), ("bus", 64), *SMALL[2:])),
    ],
    ids=["dot product", "systolic"],
)
def test_a_core_is_the_golden_models(preset, fields, rng):
    netlist = mapped(preset, (*fields, ("a_words", 16), ("acc_tiles", 4), ("weight_beats", 4)), module="core")
    flat = netlist.flat("core")
    found = check_core(netlist.config, flat, rng)
    found.require()
    assert found.vectors > 200 and found.words > 1000
    wrong = [
        check_core(netlist.config, each, rng, lanes=192).wrong for _, each in islice(mutants(flat, rng), 3)
    ]
    assert sum(each > 0 for each in wrong) >= 2


def test_a_unit_is_a_golden_harts_and_its_rtl(rng):
    netlist = mapped("xfu-unit")
    flat = netlist.flat()
    found = check_unit(netlist.config, flat, rng)
    found.require()
    assert found.vectors > 2000
    assert proved(netlist, None).proved
    for name, mutant in islice(mutants(flat, rng), 2):
        if not check_unit(netlist.config, mutant, rng).wrong:
            assert proved(netlist, None, mutant).proved, name


@pytest.mark.parametrize("module", ["array_loader", "array_activation_skew", "encode_weight"])
def test_control_is_proved(module):
    proof = proved(mapped(*PORTS[0]), module)
    assert proof.proved, proof.why


def test_the_command_says_what_is_proved_and_what_is_sampled():
    settings = [word for name, value in SMALL for word in ("--set", f"{name}={value}")]
    result = run("stream-8x8-int8", *settings, "--check", "--seed", "3", "--json")
    assert result.exit_code == 0, result.output
    check = json.loads(result.stdout)["check"]
    assert check["seed"] == 3
    assert {each["what"] for each in check["sampled"]} == {"processing element", "whole array"}
    assert check["sampled"][0]["vectors"] >= 100_000 and not any(each["wrong"] for each in check["sampled"])
    assert all(each["proved"] for each in check["proofs"])
    assert {"processing_element", "array_loader"} <= {each["what"] for each in check["proofs"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stream-8x8-int8", "--seed", "1"), "--seed: is of --check"),
        (("stream-8x8-int8", "--check", "--module", "row"), "--check: is for the whole array"),
        (("xfu-cv32e40p", "--check"), "--check: is for xfu-unit and xfu-cv-x-if"),
    ],
)
def test_what_changes_nothing_is_refused(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(not REAL, reason="TILELOOM_LIBERTY_DIR is not set: see docs/check.md")
@pytest.mark.parametrize("library", ["nangate45", "sky130hd", "ihp", "asap7"])
def test_real_libraries_are_simulated_and_proved(library, rng):
    files = tuple(sorted(Path(str(REAL)).glob(f"{library}*.lib.gz")))
    small = mapped(*ELEMENTS["nearest-even"], files)
    check_element(small.config, small.flat("processing_element"), rng, VECTORS).require()
    check_array(Interface.of_manifest(small.design.manifest), small.flat(), rng).require()
    unit = mapped("xfu-unit", (), files)
    check_unit(unit.config, unit.flat(), np.random.default_rng(5)).require()
    assert proved(unit, None).proved
