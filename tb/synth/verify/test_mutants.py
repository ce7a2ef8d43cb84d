"""Each proof fails where the hardware or its own property is broken, with words that show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tileloom.arith.add import Add
from tileloom.arith.multiply import FloatMultiply
from tileloom.formats import FP8_E4M3, FP16, FP32, INT8, Rounding
from tileloom_golden import arithmetic, formats
from tileloom_synth.verify import multiplier
from tileloom_synth.verify.adder import sum_queries
from tileloom_synth.verify.multiplier import bounds_query, float_queries, integer_queries, sticky_queries
from tileloom_synth.verify.netlist import Netlist, netlist_of
from tileloom_synth.verify.pipeline import pipeline_query
from tileloom_synth.verify.solver import Query, refute

TRUNCATE, NEAREST = Rounding.TRUNCATE, Rounding.NEAREST_EVEN
GATES = 8
"""Nets of each netlist that are inverted, evenly spread."""


def found(queries: Sequence[Query]) -> dict[str, int] | None:
    values = refute(queries, timeout=600)
    return values and {name: int(value, 16) for name, value in values.items()}


def mutants(netlist: Netlist) -> list[Netlist]:
    """Return netlists in each of which the lowest bit of one net is inverted."""
    defined = [
        place
        for place, net in enumerate(netlist.nets)
        if net.value and "_n " not in net.name and "bvmul" not in net.value
    ]
    assert len(defined) > GATES
    made = []
    for place in defined[:: len(defined) // GATES][:GATES]:
        net = netlist.nets[place]
        if net.sort == "Bool":
            value = f"(not {net.value})"
        else:
            width = int(net.sort.removesuffix(")").split()[-1])
            value = f"(bvxor {net.value} (_ bv1 {width}))"
        nets = [*netlist.nets[:place], replace(net, value=value), *netlist.nets[place + 1 :]]
        made.append(replace(netlist, nets=tuple(nets)))
    return made


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
    """Another rounding, another cycle, and no flush of what the solver calls subnormal."""
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
    netlist = netlist_of(FloatMultiply(FP16, INT8, FP16, NEAREST, exact_specials=False))
    arguments = (FP16, INT8, FP16, NEAREST, 1)
    assert found(integer_queries(netlist, *arguments)) is None
    for mutant in mutants(netlist):
        values = found(integer_queries(mutant, *arguments))
        assert values is not None
        golden = (formats.FP16, formats.INT8, formats.FP16)
        word = arithmetic.hybrid_multiply([values["a"]], [values["b"]], *golden, "nearest-even")[0]
        assert word != values["product"], values
    assert found(integer_queries(netlist, FP16, INT8, FP16, TRUNCATE, 1)) is not None
    assert found(integer_queries(netlist, *arguments[:-1], 2)) is not None


def test_broken_products_of_floats():
    netlist = netlist_of(FloatMultiply(FP32, FP32, FP32, NEAREST, exact_specials=False))
    arguments = (FP32, FP32, FP32, NEAREST, 1)
    assert found(float_queries(netlist, *arguments)) is None
    for mutant in mutants(netlist):
        assert found(float_queries(mutant, *arguments)) is not None
    assert found(float_queries(netlist, FP32, FP32, FP32, TRUNCATE, 1)) is not None


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
    queries = float_queries(replace(netlist, nets=tuple(nets)), FP32, FP32, FP32, TRUNCATE, 1)
    assert found(queries[:1]) is not None and found(queries[1:]) is None


def test_broken_lemmas(monkeypatch):
    assert found([bounds_query(FP32, FP32)]) is None and found(sticky_queries(FP32, FP32, 22)) is None
    sound = multiplier._lowest_zeros
    monkeypatch.setattr(multiplier, "_lowest_zeros", lambda x, y, a, b, below: sound(x, y, a, b, below - 1))
    values = found(sticky_queries(FP32, FP32, 22))
    assert values is not None and values["a"] * values["b"] % (1 << 22) != 0
    monkeypatch.setattr(multiplier, "_within", lambda product, a, b: f"(bvult {product} (_ bv{3 << 46} 48))")
    values = found([bounds_query(FP32, FP32)])
    assert values is not None and values["a"] * values["b"] >= 3 << 46


@pytest.mark.parametrize("stages", [1, 4])
def test_broken_pipelines(stages):
    """A register that does not wait for ``enable``."""
    netlist = netlist_of(Add(FP16, TRUNCATE, stages=stages, exact_specials=False))
    assert found([pipeline_query(netlist)]) is None
    values = dict((net.name, net.value) for net in netlist.nets)
    for place, (register, value) in enumerate(netlist.registers):
        chosen = values[value.removeprefix("(").removesuffix(" state)")]
        assert chosen and chosen.startswith("(ite ")
        always = chosen.replace(chosen.split(" ", 2)[1], "true", 1) if chosen[5] != "(" else None
        always = always or f"(ite true{chosen[chosen.index(')') + 1 :]}"
        registers = [*netlist.registers]
        registers[place] = (register, always)
        assert found([pipeline_query(replace(netlist, registers=tuple(registers)))]) is not None
