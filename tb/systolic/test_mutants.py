"""Broken hardware is caught: each mutant is a small fault in one part, and only the bench is to notice it."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

import tileloom.systolic.pe
import tileloom.systolic.stream_array
import tileloom.systolic.weights
from support.seed import SEED
from tileloom.arith.add import Add
from tileloom.arith.multiply import Multiply
from tileloom.design import Design
from tileloom.formats import FP16, INT8, Rounding
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom.systolic.skew import Skew
from tileloom.systolic.timing import Timetable
from tileloom_sim.systolic.farm import Farm, combine
from tileloom_sim.systolic.regression import regress_farm

CONFIG = SystolicConfig(rows=2, columns=3, activation=FP16, weight=INT8, accumulator=FP16, double_buffer=True)


class LosesLowestBit(wiring.Component):
    """A multiplier whose product's lowest fraction bit is stuck at 0."""

    def __init__(self, *arguments, **options) -> None:
        self.multiply = Multiply(*arguments, **options)
        super().__init__(self.multiply.signature)

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.multiply = multiply = self.multiply
        m.d.comb += [
            multiply.enable.eq(self.enable),
            multiply.a.eq(self.a),
            multiply.b.eq(self.b),
            self.product.eq(multiply.product & ~1),
        ]
        return m


def rounds_wrongly(float_format, rounding, **options):
    """Return an adder that rounds to nearest even where it should truncate."""
    assert rounding is Rounding.TRUNCATE
    return Add(float_format, Rounding.NEAREST_EVEN, **options)


def one_register_short(width, captures, **options):
    """Return skew registers whose longest lane is one cycle short."""
    return Skew(
        width, [lane[:-1] if lane == max(captures, key=len) else lane for lane in captures], **options
    )


class LateSwap(Timetable):
    """A timetable after which the last row swaps its weights one cycle late."""

    def activation_due(self, row: int) -> int:
        """Return the cycle, with the fault."""
        return super().activation_due(row) + (row == self.config.rows - 1)


# All in one simulator; in every run others are caught in proofs and in the mutants of all families.
pytestmark = [pytest.mark.xdist_group("mutants of an array"), pytest.mark.long]

MUTANTS: dict[str, tuple[object, str, object]] = {
    "multiplier": (tileloom.systolic.pe, "Multiply", LosesLowestBit),
    "adder": (tileloom.systolic.pe, "Add", rounds_wrongly),
    "skew": (tileloom.systolic.stream_array, "Skew", one_register_short),
    "swap": (tileloom.systolic.weights, "Timetable", LateSwap),
}


@pytest.fixture(scope="module")
def farm() -> Farm:
    """Return the sound array and all mutants, in one simulation."""

    def mutant(name: str) -> Design:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(*MUTANTS[name])
            return generate(CONFIG, name)

    return combine([generate(CONFIG, "sound"), *map(mutant, MUTANTS)])


def test_sound_array_passes(farm):
    assert regress_farm(farm, seed=SEED, arrays=["sound"]).passed


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(farm, name):
    done = regress_farm(farm, seed=SEED, arrays=[name])
    assert not done.passed
    assert any("expected" in failure for failure in done.failures), done.run.log[-2000:]
