"""The processing element: one stationary weight, one multiplication and one addition per vector."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..arith.add import Add
from ..arith.factor import FactorFormat
from ..arith.multiply import Multiply
from .config import SystolicConfig


class ProcessingElement(wiring.Component):
    """Multiplies each activation by its weight and adds the product to the partial sum from above.

    ```
                  weight_in          psum_in
                      |                 |
                  [shadow]              |          only with double_buffer
                      |                 |
                  [weight]              |
                      |                 v
    activation_in --[activation]-*-> Multiply ===> Add ===> psum_out
                                 '------------------------> activation_out
    ```

    Every register on the way of activations and partial sums moves on ``enable``. Latency in enabled cycles:
    activation_in to activation_out 1; psum_in to psum_out ``add_stages``; activation_in to psum_out
    ``1 + multiply_stages + add_stages``. None of these registers has a reset.

    Of partial sums and products that are zero or infinite only the exponent (of infinity the sign too) is
    kept exact: the array makes up for it where results leave.

    With ``gate_zeros`` a zero activation comes as ``zero_in``, and the register keeps the word before it: on
    its way through the row only the bit says that it is zero. Behind a weight of zero the word does not reach
    the multiplier. So the multiplier's inputs stand still wherever its product is known to be zero.

    Of the elements that one activation register serves (``broadcast``) only the first has it, and what else
    is kept beside it; the others are ``following``: their ``activation_in`` and ``zero_in`` are what the
    first one's registers hold, and their ``swap_in`` is the first one's.

    The weight is written on ``weight_write``, whatever ``enable`` is. With double buffering that is the
    shadow register: ``swap_in``, which travels with the first activation of a tile, moves it into use.
    """

    def __init__(self, config: SystolicConfig, *, following: bool = False) -> None:
        self.config = config
        self.following = following
        self.factor = FactorFormat.of(config.weight)
        kept = {"activation": config.activation.width}
        kept |= ({"swap": 1} if config.double_buffer else {}) | ({"zero": 1} if config.gate_zeros else {})
        passed = {} if following else {f"{name}_out": Out(width) for name, width in kept.items()}
        super().__init__(
            {
                "enable": In(1),
                **{f"{name}_in": In(width) for name, width in kept.items()},
                **passed,
                "weight_in": In(self.factor.layout),
                "weight_write": In(1),
                "psum_in": In(config.accumulator.width),
                "psum_out": Out(config.accumulator.width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        activation = Signal(config.activation.width, reset_less=True)
        weight = Signal(self.factor.layout, reset_less=True)
        moves, operand = self.enable, activation
        if config.gate_zeros:
            zero = Signal(reset_less=True)
            if self.following:
                m.d.comb += zero.eq(self.zero_in)
            else:
                with m.If(self.enable):
                    m.d.sync += zero.eq(self.zero_in)
                m.d.comb += self.zero_out.eq(zero)
            moves = self.enable & ~self.zero_in
            operand = activation & (weight.exponent != self.factor.zero).replicate(len(activation))
        if self.following:
            m.d.comb += activation.eq(self.activation_in)
        else:
            with m.If(moves):
                m.d.sync += activation.eq(self.activation_in)
            m.d.comb += self.activation_out.eq(activation)

        if config.double_buffer:
            shadow = Signal(self.factor.layout, reset_less=True)
            with m.If(self.weight_write):
                m.d.sync += shadow.eq(self.weight_in)
            with m.If(self.enable & self.swap_in):
                m.d.sync += weight.eq(shadow)
            if not self.following:
                # A swap must not be seen before the first one is sent: the only register here with a reset.
                swap = Signal()
                with m.If(self.enable):
                    m.d.sync += swap.eq(self.swap_in)
                m.d.comb += self.swap_out.eq(swap)
        else:
            with m.If(self.weight_write):
                m.d.sync += weight.eq(self.weight_in)

        m.submodules.multiply = multiply = Multiply(
            config.activation,
            self.factor,
            config.accumulator,
            config.rounding,
            stages=config.multiply_stages,
            carry_save=config.carry_save,
            exact_specials=False,
            told_zeros=config.gate_zeros,
        )
        if config.gate_zeros:
            m.d.comb += multiply.a_zero.eq(zero)
        m.submodules.add = add = Add(
            config.accumulator, config.rounding, stages=config.add_stages, exact_specials=False
        )
        m.d.comb += [
            multiply.enable.eq(self.enable),
            multiply.a.eq(operand),
            multiply.b.eq(weight),
            add.enable.eq(self.enable),
            add.a.eq(self.psum_in),
            add.b.eq(multiply.product),
            self.psum_out.eq(add.sum),
        ]
        return m
