"""The magnitude of a signed number times an unsigned one, as requantisation needs it.

Here it is written as what it computes; synthesis puts a carry-save tree in its place that needs no magnitude
(``tileloom_synth.techmap.scaled_magnitude``).
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


def magnitude_signature(total_bits: int, scale_bits: int) -> wiring.Signature:
    """Return the ports of a ``ScaledMagnitude``.

    total, scale:
        In: signed, of ``total_bits``; unsigned, of ``scale_bits``.
    product:
        Out: ``|total| * scale``, unsigned, of ``total_bits - 1 + scale_bits``: the least total times the
        largest scale is below that.
    """
    return wiring.Signature(
        {
            "total": In(signed(total_bits)),
            "scale": In(scale_bits),
            "product": Out(total_bits - 1 + scale_bits),
        }
    )


class ScaledMagnitude(wiring.Component):
    """The magnitude of a total, times a scale. Combinational; ports as in ``magnitude_signature``."""

    def __init__(self, total_bits: int, scale_bits: int) -> None:
        self.total_bits = total_bits
        super().__init__(magnitude_signature(total_bits, scale_bits))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        sign = self.total[-1]
        magnitude = Signal(unsigned(self.total_bits))
        m.d.comb += [
            magnitude.eq((self.total ^ sign.replicate(self.total_bits)).as_unsigned() + sign),
            self.product.eq(magnitude * self.scale),
        ]
        return m
