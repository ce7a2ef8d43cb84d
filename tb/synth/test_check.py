"""Netlists held to the golden model and proved equal to their RTL; both find one tied input of one cell."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from synth.netlists import Netlist, mapped
from tileloom.cli.main import main
from tileloom_sim.systolic.interface import Interface
from tileloom_sim.systolic.reference import float_format
from tileloom_synth.check.mutants import harmless, tied, ties
from tileloom_synth.check.outcome import Comparison
from tileloom_synth.check.proof import prove
from tileloom_synth.check.report import modules_around
from tileloom_synth.engine.core_check import check_core
from tileloom_synth.engine.requantise_check import check_requantise
from tileloom_synth.gates import bits
from tileloom_synth.gates.flat import Flat, flatten
from tileloom_synth.gates.simulator import Simulator
from tileloom_synth.systolic.array_check import JOB_LENGTHS, LENGTHS, check_array
from tileloom_synth.systolic.element_check import canonical, check_element
from tileloom_synth.xfu.unit_check import check_unit

REAL = os.environ.get("TILELOOM_LIBERTY_DIR")
SMALL = (("rows", 2), ("columns", 3), ("activation", "fp8_e4m3"), ("accumulator", "fp16"))
PORTS = [
    ("stream-8x8-int8", SMALL),
    ("sasp-4x4-int8", SMALL),
    ("stream-8x8-int8", (*SMALL, ("wrapper", "axi4"))),
]
ELEMENTS = {
    "small": ("stream-8x8-int8", SMALL),
    "nearest-even": ("stream-8x8-int8", (*SMALL, ("rounding", "nearest-even"), ("add_stages", 3))),
    "single-buffered": ("sasp-4x4-fp32", (("rows", 1), ("columns", 1))),
    "zeros gated": ("stream-8x8-int8", (("rows", 2), ("columns", 2), ("gate_zeros", True))),
    "one segment": ("stream-8x8-int8", (*SMALL, ("broadcast", 3))),
    "carry-save": ("stream-8x8-fp16", (*SMALL, ("multiply_stages", 2), ("carry_save", True))),
}
BUFFERS = (("a_words", 16), ("acc_tiles", 4), ("weight_beats", 4), ("bus", 64))
ENGINES = {
    "dot product": ("engine-int8", (("m", 2), ("k", 3), ("n", 5), *BUFFERS)),
    "systolic": ("engine-fp32-int8", (("k", 3), ("n", 4), *BUFFERS, *SMALL[2:])),
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


def some(names, few, *quick):
    """Return each name with 24 mutants for the long run, and the quick ones with ``few`` for every run."""
    return [*((name, few) for name in quick), *(pytest.param(n, 24, marks=pytest.mark.long) for n in names)]


@dataclass
class Sampled:
    """A netlist, its check, the element that a mistake inside one of an array's is looked for in, too.

    Modules of ``proved``, but elements, are proved by ``--check`` besides.
    """

    flat: Flat
    check: Callable[[Flat], Comparison]
    config: Any = None
    element: Flat | None = None
    proved: Netlist | None = None


def element(rng):
    netlist = mapped(*ELEMENTS["small"])
    flat = netlist.flat("processing_element")
    return Sampled(flat, lambda each: check_element(netlist.config, each, rng, 5 * VECTORS), netlist.config)


def array(rng, port=0):
    netlist = mapped(*PORTS[port])
    interface = Interface.of_manifest(netlist.design.manifest)
    check = partial(check_array, interface, rng=rng, lanes=256)
    return Sampled(netlist.flat(), check, netlist.config, netlist.flat("processing_element"), netlist)


def core(rng, engine="dot product"):
    netlist = mapped(*ENGINES[engine], module="core")
    inner = netlist.flat("processing_element") if engine == "systolic" else None
    config = netlist.config.systolic if inner else None
    return Sampled(
        netlist.flat("core"), lambda each: check_core(netlist.config, each, rng, lanes=1024), config, inner
    )


def requantise(rng):
    netlist = mapped(*ENGINES["dot product"], module="requantise")
    return Sampled(
        netlist.flat("requantise"), lambda each: check_requantise(netlist.config, each, rng, 5 * VECTORS)
    )


def unit(rng):
    netlist = mapped("xfu-unit")
    return Sampled(netlist.flat(), lambda each: check_unit(netlist.config, each, rng), proved=netlist)


SAMPLED = {
    "element": element,
    "array": array,
    "array, word port": partial(array, port=1),
    "array, registers": partial(array, port=2),
    "core": core,
    "systolic core": partial(core, engine="systolic"),
    "requantise": requantise,
    "unit": unit,
}


def changes_open_bits_alone(flat, mutant, config, rng):
    """Return whether an element differs, but in signs of zeros and fractions of infinities alone."""
    words, number_format = 2048, float_format(config.accumulator)
    seed = int(rng.integers(1 << 31))
    both = [
        Simulator(each, words=words, clock="clk", rng=np.random.default_rng(seed)) for each in (flat, mutant)
    ]
    differ = False
    for _ in range(60):
        for port in flat.inputs - {"clk"}:
            drawn = rng.integers(0, 1 << 64, (len(flat.ports[port]), words), np.uint64)
            for each in both:
                each.set(port, 0 if port == "rst" else drawn)
        for each in both:
            each.settle()
        for port in flat.ports.keys() - flat.inputs:
            one, other = (each.get(port) for each in both)
            differ |= bool((one != other).any())
            if port == "psum_out":
                width = config.accumulator.width
                one, other = (
                    canonical(bits.as_words(nets, 64 * words, width), number_format) for nets in (one, other)
                )
            if (one != other).any():
                return False
        for each in both:
            each.tick()
    return differ


def is_found(sampled, tie, rng):
    """Return whether ``--check`` finds a mistake: by vectors, by those of an element, or by proof."""
    if sampled.check(tied(sampled.flat, tie)).wrong:
        return True
    flat, own = inside(sampled, tie)
    if flat is not sampled.flat:
        return bool(check_element(sampled.config, tied(flat, own), rng, 5 * VECTORS).wrong)
    return sampled.proved is not None and is_refuted(sampled.proved, tie)


def is_refuted(netlist, tie):
    """Return whether the proof of the module that a mistake is in refutes it."""
    modules = netlist.mapped.modules
    module, path = netlist.mapped.top, tie.cell.split(".")
    while (kind := modules[module]["cells"][path[0]]["type"]) in modules:
        module = kind
        del path[0]
    (cell,) = path
    without = modules_around(netlist.mapped, netlist.library, ())[module]
    parts = netlist.design.manifest["modules"]
    flat = flatten(netlist.mapped, netlist.library, parts, top=module, without=without)
    mutant = tied(flat, replace(tie, cell=cell))
    proof = prove(module, netlist.design.verilog, module, mutant, "clk", timeout=120, without=without)
    return proof.differs


def inside(sampled, tie):
    """Return the element of an array, and the mistake inside it; or netlist and mistake as they are."""
    if sampled.element is None or ".element_" not in tie.cell:
        return sampled.flat, tie
    return sampled.element, replace(tie, cell=tie.cell.split(".element_")[1].split(".", 1)[1])


def changes_nothing(sampled, tie, rng):
    """Return whether SAT shows that a mistake is none, or it changes what an element leaves open alone."""
    flat, own = inside(sampled, tie)
    if harmless(flat, tied(flat, own)):
        return True
    return sampled.config is not None and changes_open_bits_alone(flat, tied(flat, own), sampled.config, rng)


@pytest.mark.parametrize(("name", "count"), some(SAMPLED, 2, "element", "core"))
def test_vectors_find_mutants(name, count, rng):
    """All of them; one that no vector finds must be none: SAT shows that it changes nothing."""
    sampled = SAMPLED[name](rng)
    sampled.check(sampled.flat).require()
    found = 0
    for tie in islice(ties(sampled.flat, rng), count):
        if is_found(sampled, tie, rng):
            found += 1
        else:
            assert changes_nothing(sampled, tie, rng), str(tie)
    assert found >= count * 3 // 4


PROVED = {
    "element": (("stream-8x8-int8", SMALL), "processing_element"),
    "loader": (("stream-8x8-int8", SMALL), "array_loader"),
    "drain": (ENGINES["dot product"], "array_drain"),
    "queue": (ENGINES["dot product"], "array_dispatch_load_queue_storage"),
    "unit": (("xfu-unit",), None),
}


@pytest.mark.parametrize(("name", "count"), some(PROVED, 1, "loader", "queue"))
def test_proofs_find_mutants(name, count, rng):
    """All that change anything, each module around those inside it."""
    arguments, module = PROVED[name]
    netlist = mapped(*arguments, module=module)
    top = netlist.mapped.top
    inside = [] if name in ("element", "unit") else modules_around(netlist.mapped, netlist.library, ())[top]
    flat = flatten(netlist.mapped, netlist.library, netlist.design.manifest["modules"], without=inside)

    def proof(each):
        return prove(name, netlist.design.verilog, top, each, "clk", timeout=120, without=inside)

    assert proof(flat).proved
    refuted = 0
    for tie in islice(ties(flat, rng), count):
        mutant = tied(flat, tie)
        found = proof(mutant)
        assert found.differs != found.proved, f"{tie}: {found.why}"
        if found.proved:
            assert harmless(flat, mutant), str(tie)
        refuted += found.differs
    assert refuted >= count * 3 // 4


@pytest.mark.long
def test_proofs_find_what_vectors_find(rng):
    netlist, sampled, found = mapped(*ELEMENTS["small"]), element(rng), 0
    for tie in islice(ties(sampled.flat, rng), 24):
        mutant = tied(sampled.flat, tie)
        proof = proved(netlist, "processing_element", mutant)
        # A proof starts from any state, so that it finds more: what differs in states that are never reached.
        assert proof.differs or proof.proved, f"{tie}: {proof.why}"
        assert proof.differs or not sampled.check(mutant).wrong, str(tie)
        found += proof.differs
    assert found >= 18


@pytest.mark.parametrize(("preset", "fields"), PORTS, ids=["stream", "word", "registers"])
def test_an_array_is_the_golden_models(preset, fields, rng):
    netlist = mapped(preset, fields)
    interface = Interface.of_manifest(netlist.design.manifest)
    found = check_array(interface, netlist.flat(), rng)
    found.require()
    vectors = 64 * sum(JOB_LENGTHS if netlist.config.wrapper else LENGTHS)
    assert found.vectors == vectors and found.words > vectors


@pytest.mark.parametrize("name", ENGINES)
def test_a_core_is_the_golden_models(name, rng):
    netlist = mapped(*ENGINES[name], module="core")
    found = check_core(netlist.config, netlist.flat("core"), rng)
    found.require()
    assert found.vectors > 200 and found.words > 1000


@pytest.mark.parametrize(
    ("rounding", "zero_point"),
    [
        ("half-away", False),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in [("half-even", False), ("half-away", True)]
        ),
        pytest.param("half-even", True, marks=pytest.mark.long),
    ],
)
def test_a_lane_of_requantisation_is_the_golden_models(rounding, zero_point, rng):
    preset, fields = ENGINES["dot product"]
    own = (("requantise_rounding", rounding), ("result_zero_point", zero_point))
    netlist = mapped(preset, (*fields, *own), module="requantise")
    found = check_requantise(netlist.config, netlist.flat("requantise"), rng, VECTORS)
    found.require()
    assert found.vectors >= VECTORS


def test_a_unit_is_a_golden_harts_and_its_rtl(rng):
    netlist = mapped("xfu-unit")
    flat = netlist.flat()
    found = check_unit(netlist.config, flat, rng)
    found.require()
    assert found.vectors > 2000
    assert proved(netlist, None).proved


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
    told = {each["what"] for each in check["proofs"]}
    assert {
        "array_loader",
        "row",
        *(f"processing_element{part}" for part in ("", "_add", "_multiply")),
    } <= told


@pytest.mark.long
@pytest.mark.parametrize("preset", ["engine-int8", "engine-fp32-int8", "engine-int8-axi4"])
def test_of_an_engine_all_is_proved_but_arithmetic(preset):
    result = run(preset, "--check", "--json")
    assert result.exit_code == 0, result.output
    check = json.loads(result.stdout)["check"]
    assert all(each["proved"] for each in check["proofs"]) and len(check["proofs"]) > 30
    lane = set() if preset == "engine-fp32-int8" else {"requantisation"}
    element = {"processing element"} if preset == "engine-fp32-int8" else set()
    assert {each["what"] for each in check["sampled"]} == {"compute core", *lane, *element}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stream-8x8-int8", "--seed", "1"), "--seed: is of --check"),
        (("stream-8x8-int8", "--check", "--module", "row"), "--check: is for the whole array"),
        (("xfu-cv32e40p", "--check"), "--check: is for xfu-unit, xfu-cv-x-if and xfu-picorv32"),
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
