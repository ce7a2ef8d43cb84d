"""Each proof fails where the hardware or its own property is broken, with words that show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import pytest

from tileloom.arith.add import Add
from tileloom.arith.multiply import FloatMultiply
from tileloom.formats import FP8_E4M3, FP16, FP32, INT8, Rounding, SignMagnitude
from tileloom_golden import arithmetic, formats
from tileloom_synth.verify import significands
from tileloom_synth.verify.adder import sum_queries
from tileloom_synth.verify.multiplier import integer_queries, product_queries
from tileloom_synth.verify.netlist import Netlist, netlist_of
from tileloom_synth.verify.pipeline import pipeline_query
from tileloom_synth.verify.significands import bounds_query, zeros_queries
from tileloom_synth.verify.solver import Query, refute
from tileloom_synth.verify.structure import Gates, TreeError, gates_of, significands_multiplied

from .inverted import made_of, with_inverted

INT5 = SignMagnitude(5)
TRUNCATE, NEAREST = Rounding.TRUNCATE, Rounding.NEAREST_EVEN
OTHER = {"$_AND_": "$_OR_", "$_OR_": "$_AND_", "$_XOR_": "$_AND_"}
GATES = 8
"""Nets of each netlist that are inverted, evenly spread."""


def found(queries: Sequence[Query]) -> dict[str, int] | None:
    values = refute(queries, timeout=600)
    return values and {name: int(value, 16) for name, value in values.items()}


def mutants(netlist: Netlist, free: Netlist | None = None) -> list[Netlist]:
    """Return netlists in each of which the lowest bit of one net is inverted.

    Of the nets that the registers of ``free``, by default of ``netlist``, are made of; but no port.
    """
    used = made_of(netlist, (free or netlist).registers)
    defined = [
        net
        for net in netlist.nets
        if net.name in used and net.value and "_n " not in net.name and "bvmul" not in net.value
    ]
    assert len(defined) > GATES
    return [with_inverted(netlist, net) for net in defined[:: len(defined) // GATES][:GATES]]


@pytest.mark.parametrize(
    ("float_format", "golden"), [(FP16, formats.FP16), (FP8_E4M3, formats.FP8_E4M3)], ids=str
)
def test_broken_adders(float_format, golden):
    netlist = netlist_of(Add(float_format, NEAREST, stages=2, exact_specials=False))
    caught = 0
    for mutant in mutants(netlist):
        values = found(sum_queries(mutant, float_format, NEAREST, 2))
        assert values is not None
        operands = [values["a"], values["b"]]
        if all(word & golden.magnitude_mask < golden.infinity for word in operands):
            word = arithmetic.add([operands[0]], [operands[1]], golden, "nearest-even")[0]
            caught += word != values["sum"]
            assert word != values["sum"], values
    assert caught > GATES // 2


def test_broken_sums():
    """Another rounding, a cycle too early and too late."""
    netlist = netlist_of(Add(FP16, TRUNCATE, stages=2, exact_specials=False))
    assert found(sum_queries(netlist, FP16, TRUNCATE, 2)) is None
    values = found(sum_queries(netlist, FP16, NEAREST, 2))
    assert values is not None
    both = [
        arithmetic.add([values["a"]], [values["b"]], formats.FP16, name)[0]
        for name in ("truncate", "nearest-even")
    ]
    assert both[0] == values["sum"] != both[1]
    assert found(sum_queries(netlist, FP16, TRUNCATE, 1)) and found(sum_queries(netlist, FP16, TRUNCATE, 3))


def test_broken_products_with_integers():
    netlist = netlist_of(FloatMultiply(FP16, INT5, FP16, NEAREST, exact_specials=False))
    arguments = (FP16, INT5, FP16, NEAREST, 1)
    assert found(integer_queries(netlist, *arguments)) is None
    for mutant in mutants(netlist):
        values = found(integer_queries(mutant, *arguments))
        assert values is not None
        golden = (formats.FP16, formats.Integer(5), formats.FP16)
        word = arithmetic.hybrid_multiply([values["a"]], [values["b"]], *golden, "nearest-even")[0]
        assert word != values["product"], values
    assert found(integer_queries(netlist, FP16, INT5, FP16, TRUNCATE, 1)) is not None
    assert found(integer_queries(netlist, *arguments[:-1], 2)) is not None


@pytest.mark.parametrize(
    ("b", "stages", "rows"), [(FP32, 1, False), (FP32, 2, True), (INT8, 3, True)], ids=str
)
def test_broken_products(b, stages, rows):
    """Behind the product; what goes into the product is another test's."""
    hardware = FloatMultiply(
        FP32, b, FP32, NEAREST, stages=stages, carry_save=stages == 2, exact_specials=False
    )
    netlist = netlist_of(hardware, wires=rows)

    def queries(mutant: Netlist, rounding: Rounding) -> Sequence[Query]:
        return product_queries(mutant, FP32, b, FP32, rounding, stages, rows=rows)

    assert found(queries(netlist, NEAREST)) is None
    assert found(queries(netlist, TRUNCATE)) is not None
    free = netlist.without_registers("multiply.product") if rows else netlist
    for mutant in mutants(netlist, free):
        assert found(queries(mutant, NEAREST)) is not None


def test_a_product_of_other_operands():
    """A fraction inverted where it goes into the product, which the query of the operands alone can see."""
    netlist = netlist_of(FloatMultiply(FP32, FP32, FP32, TRUNCATE, exact_specials=False))
    fraction = re.compile(r"\(\(_ extract 22 0\) \(\|[^|]+\| state\)\)")
    nets = [
        replace(net, value=fraction.sub(r"(bvnot \g<0>)", net.value, count=1))
        if net.value and "bvmul" in net.value
        else net
        for net in netlist.nets
    ]
    mutant = replace(netlist, nets=tuple(nets))
    queries = product_queries(mutant, FP32, FP32, FP32, TRUNCATE, 1, rows=False)
    assert found(queries[:1]) is not None and found(queries[1:]) is None


@pytest.mark.parametrize("b", [pytest.param(FP32, marks=pytest.mark.long), INT8], ids=str)
def test_broken_rows(b, rng):
    """A gate of the tree that is another, and two places of the product that are exchanged."""
    hardware = FloatMultiply(FP32, b, FP32, TRUNCATE, stages=3, exact_specials=False)
    widths = (23, hardware.multiply.factor.fraction_bits)
    sound = gates_of(hardware)
    assert significands_multiplied(sound, *widths) > 500
    tree = sorted({net for name in ("low", "x", "y") for net in inside(sound, f"multiply.rows_{name}")})
    for net in rng.choice(tree, GATES, replace=False):
        mutant = deepcopy(sound)
        kind, pins = mutant.drivers[net]
        mutant.drivers[net] = (OTHER[kind], pins)
        with pytest.raises(TreeError):
            significands_multiplied(mutant, *widths)
    mutant = deepcopy(sound)
    output = mutant.names["multiply.product"]
    output[5], output[6] = output[6], output[5]
    with pytest.raises(TreeError):
        significands_multiplied(mutant, *widths)


def inside(gates: Gates, name: str) -> set[int]:
    """Return the gates in front of the registers of a signal."""
    leaves = {net for port in ("multiply.a", "multiply.b") for net in gates.names[port]}
    waiting = [gates.registers[net] for net in gates.names[name] if net in gates.registers]
    found: set[int] = set()
    while waiting:
        net = waiting.pop()
        if net in gates.drivers and net not in found | leaves:
            found.add(net)
            waiting += [bit for pin, nets in gates.drivers[net][1].items() if pin != "Y" for bit in nets]
    return {net for net in found if gates.drivers[net][0] in OTHER}


def test_broken_lemmas(monkeypatch):
    widths = (24, 24)
    assert found([bounds_query(widths)]) is None and found(zeros_queries(widths, 22)) is None
    sound = significands.zeros_reach
    monkeypatch.setattr(significands, "zeros_reach", lambda x, y, w, below: sound(x, y, w, below - 1))
    values = found(zeros_queries(widths, 22))
    assert values is not None and values["a"] * values["b"] % (1 << 22) != 0
    most = 3 << 46
    monkeypatch.setattr(significands, "within", lambda product, w: f"(bvult {product} (_ bv{most} 48))")
    values = found([bounds_query(widths)])
    assert values is not None and values["a"] * values["b"] >= most
    monkeypatch.setattr(significands, "within", lambda product, w: f"(bvugt {product} (_ bv{1 << 46} 48))")
    assert found([bounds_query(widths)]) == {"a": 1 << 23, "b": 1 << 23}


@pytest.mark.parametrize("stages", [1, 4])
def test_broken_pipelines(stages):
    """A register that does not wait for ``enable``."""
    netlist = netlist_of(Add(FP16, TRUNCATE, stages=stages, exact_specials=False))
    assert found([pipeline_query(netlist)]) is None
    values = {net.name: net.value for net in netlist.nets}
    for place, (register, value) in enumerate(netlist.registers):
        chosen = values[value.removeprefix("(").removesuffix(" state)")]
        assert chosen and chosen.startswith("(ite ")
        always = chosen.replace(chosen.split(" ", 2)[1], "true", 1) if chosen[5] != "(" else None
        always = always or f"(ite true{chosen[chosen.index(')') + 1 :]}"
        registers = [*netlist.registers]
        registers[place] = (register, always)
        assert found([pipeline_query(replace(netlist, registers=tuple(registers)))]) is not None
