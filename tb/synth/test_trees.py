"""Carry-save trees that synthesis puts in the place of what an engine generates compute the same."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib.data import View
from amaranth.sim import Simulator

from support.seed import SEED
from tileloom import generate
from tileloom.arith.products import DIGITS, decoded, recoded
from tileloom.engine.config import EngineConfig
from tileloom.families import load
from tileloom.netlist.text import modules_of, port_places, port_widths
from tileloom_synth.techmap import digit_product, dot_product, scaled_magnitude
from tileloom_synth.techmap.dot_product import CarrySaveSum
from tileloom_synth.techmap.scaled_magnitude import CarrySaveMagnitude

WORDS = [-128, -127, -1, 0, 1, 127]


def recode(weight):
    """Return a weight's digits as a word: of three, where they are 1, 2 and -1; of the highest as Booth's."""
    one = two = minus = carry = 0
    for digit in range(3):
        value = (weight >> 2 * digit & 3) + carry
        carry = value >= 3
        one |= (value == 1) << digit
        two |= (value == 2) << digit
        minus |= (value == 3) << digit
    highest = (weight >> 6) + carry
    assert weight == highest * 64 + sum(
        (one >> d & 1) + 2 * (two >> d & 1) - (minus >> d & 1) << 2 * d for d in range(3)
    )
    top = (abs(highest) == 1) | (abs(highest) == 2) << 1 | (weight < 0) << 2
    return one | two << 3 | minus << 6 | top << 9


def test_every_weight_is_recoded_and_decoded():
    """All 256, against the digits' definition."""
    m = Module()
    weight, digits, back = Signal(signed(8)), Signal(12), Signal(signed(8))
    m.d.comb += [digits.eq(recoded(weight)), back.eq(decoded(View(DIGITS, digits)))]
    compared = 0

    async def bench(context):
        nonlocal compared
        for value in range(-128, 128):
            context.set(weight, value)
            assert context.get(digits) == recode(value) and context.get(back) == value
            compared += 1

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert compared == 256


@pytest.mark.parametrize("registered", [False, True], ids=["", "registered"])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_a_sum_of_products_is_that_of_integers(k, registered):
    numbers = np.random.default_rng(SEED)
    dut = CarrySaveSum(k, product_register=registered)
    pairs = [numbers.integers(-128, 128, (2, k)) for _ in range(150)]
    pairs += [numbers.choice(WORDS, (2, k)) for _ in range(150)]
    pairs += [np.full((2, k), -128), np.array([[127] * k, [-128] * k])]
    if k == 1:
        pairs += [np.array([[a], [b]]) for a in WORDS for b in range(-128, 128)]
    compared = 0

    async def bench(context):
        nonlocal compared
        for a, b in pairs:
            context.set(Value.cast(dut.a), sum((int(x) & 255) << 8 * place for place, x in enumerate(a)))
            context.set(Value.cast(dut.b), sum(recode(int(x)) << 12 * place for place, x in enumerate(b)))
            if registered:
                await context.tick()
            else:
                await context.delay(1e-9)
            assert context.get(dut.total) == int(a @ b), (a, b)
            compared += 1

    simulator = Simulator(dut)
    if registered:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert compared == len(pairs) == (302 if k > 1 else 302 + 6 * 256)


def test_a_scaled_magnitude_is_that_of_integers():
    numbers = random.Random(SEED)
    dut = CarrySaveMagnitude(33, 16)
    ends = [-(1 << 32), 1 - (1 << 32), -1, 0, 1, (1 << 32) - 1], [0, 1, 1 << 15, 0xAAAA, 0x5555, 0xFFFF]
    pairs = [(total, scale) for total in ends[0] for scale in ends[1]]
    pairs += [(numbers.randrange(-(1 << 32), 1 << 32), numbers.getrandbits(16)) for _ in range(400)]
    compared = 0

    async def bench(context):
        nonlocal compared
        for total, scale in pairs:
            context.set(dut.total, total)
            context.set(dut.scale, scale)
            assert context.get(dut.product) == abs(total) * scale, (total, scale)
            compared += 1

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    assert compared == len(pairs) == 436


def test_the_trees_have_the_ports_that_an_engine_generates():
    """Each module is replaced, in an engine of the default k and where the products have registers."""
    for config in (
        EngineConfig(m=2, n=2, bus=64),
        EngineConfig(m=1, k=3, n=2, bus=64, product_register=True),
    ):
        verilog = generate(config).verilog
        tree = scaled_magnitude.as_trees(dot_product.as_trees(verilog))
        assert verilog.count(" * ") >= config.k + 1
        assert " * " not in tree and tree.count("full_adder") > 100


def test_a_product_by_digits_keeps_the_ports_that_are_left_of_it():
    """Low places of a product that nobody looks at are no ports any more."""
    verilog = generate(load("stream-8x8-fp32", multiply_stages=2)).verilog
    (name,) = modules_of(verilog, digit_product.MODULE)
    tree = digit_product.as_trees(verilog)
    assert port_places(verilog, name)["product"] == (47, 23)
    assert port_widths(tree, name) == port_widths(verilog, name) == {"a": 24, "digits": 24, "product": 25}
    assert " * " in verilog and " * " not in tree and tree.count("full_adder") > 100
