"""Which products go to an FPGA's DSP blocks, and which to LUTs, where there are more than blocks.

A product wider than a block takes several, of which the last is narrow: FP32 x INT8, 24 x 8 bits, is 18 x 8
and 6 x 8 in blocks of 18 x 18. Where blocks end, the smallest pieces go to LUTs, as rows that are added in
pairs: each addition is a carry chain, where Yosys's own multiplier is a carry-save tree, which takes more
LUTs (8 x 8 bits, signed: 184 for 144).

    24 x 8 bits:  a[17:0] * b --> DSP block ---------.
                                                     (+) --> product
                  a[23:18] * b --> rows in LUTs -----'
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .families import Family


class In(enum.Enum):
    """What a product is made in: DSP blocks, these and LUTs for its narrow piece, or LUTs alone."""

    BLOCKS = "DSP blocks"
    BOTH = "DSP blocks and LUTs"
    LUTS = "LUTs"


@dataclass(frozen=True)
class Product:
    """A ``$mul`` of Yosys.

    Attributes
    ----------
    cell:
        Its name.
    a_bits, b_bits, y_bits:
        Widths of factors and product.
    a_signed, b_signed:
        Whether the factors are.
    """

    cell: str
    a_bits: int
    b_bits: int
    y_bits: int
    a_signed: bool
    b_signed: bool

    @property
    def kind(self) -> Product:
        """The same without its cell: products of one kind are mapped alike."""
        return replace(self, cell="")

    @property
    def name(self) -> str:
        """A name for its kind."""
        signs = "".join("s" if signed else "u" for signed in (self.a_signed, self.b_signed))
        return f"product_{self.a_bits}_{self.b_bits}_{self.y_bits}_{signs}"

    def divisible(self, family: Family) -> bool:
        """Return whether its narrow piece can be made apart: along one factor, the other being unsigned."""
        narrow_signed = self.b_signed if self.a_bits >= self.b_bits else self.a_signed
        return min(self.a_bits, self.b_bits) <= family.factor_bits[1] and not narrow_signed

    def pieces(self, family: Family) -> list[tuple[int, int]]:
        """Return the widths of the pieces that it takes a block each for, as Yosys's mul2dsp cuts it."""
        if min(self.y_bits, self.a_bits + self.b_bits) < family.least_bits:
            return []
        wider, narrower = max(self.a_bits, self.b_bits), min(self.a_bits, self.b_bits)
        return [
            (x, y) for x in _cut(wider, family.factor_bits[0]) for y in _cut(narrower, family.factor_bits[1])
        ]


def _cut(bits: int, widest: int) -> list[int]:
    whole, rest = divmod(bits, widest)
    return [widest] * whole + [rest] * (rest > 0)


def placed(products: Sequence[Product], family: Family, blocks: int) -> dict[Product, In]:
    """Return what each product is made in, so that they take ``blocks`` DSP blocks at most.

    The smallest piece leaves first. Only the narrow piece of a product leaves where it is cut along one
    factor alone, and the other is unsigned; of others all pieces do.
    """
    chosen = dict.fromkeys(products, In.BLOCKS)
    takes = {product: len(product.pieces(family)) for product in products}
    needed = sum(takes.values())
    steps: list[tuple[int, int, Product, In]] = []
    for place, product in enumerate(products):
        pieces = product.pieces(family)
        if len(pieces) > 1 and product.divisible(family):
            steps.append((pieces[-1][0] * pieces[-1][1], place, product, In.BOTH))
        steps.append((sum(x * y for x, y in pieces), place, product, In.LUTS))
    for _, _, product, goal in sorted(steps, key=lambda step: step[:2]):
        if needed <= blocks:
            break
        left = takes[product] - 1 if goal is In.BOTH else 0
        needed -= takes[product] - left
        chosen[product], takes[product] = goal, left
    return chosen


def techmap(kind: Product, family: Family, goal: In) -> str:
    """Return Verilog for Yosys's ``techmap`` of products of this kind: all in LUTs, or their narrow piece."""
    a, b = (("A", kind.a_bits, kind.a_signed), ("B", kind.b_bits, kind.b_signed))
    (wide, wide_bits, wide_signed), (narrow, narrow_bits, narrow_signed) = (
        (a, b) if kind.a_bits >= kind.b_bits else (b, a)
    )
    low = wide_bits // family.factor_bits[0] * family.factor_bits[0] if goal is In.BOTH else 0
    rows = _rows(wide_bits - low, narrow_bits, a_signed=wide_signed, b_signed=narrow_signed)
    upper = "$signed(rows)" if wide_signed or narrow_signed else "rows"
    lower = f"{wide}[{low - 1}:0] * {narrow}" if low else "1'b0"
    return f"""
(* techmap_celltype = "$mul" *)
module {kind.name}_in_{goal.name.lower()} (A, B, Y);
  parameter A_SIGNED = 0; parameter B_SIGNED = 0;
  parameter A_WIDTH = 1; parameter B_WIDTH = 1; parameter Y_WIDTH = 1;
  input [{kind.a_bits - 1}:0] A; input [{kind.b_bits - 1}:0] B; output [{kind.y_bits - 1}:0] Y;
  wire _TECHMAP_FAIL_ = A_WIDTH != {kind.a_bits} || B_WIDTH != {kind.b_bits} || Y_WIDTH != {kind.y_bits}
    || A_SIGNED != {int(kind.a_signed)} || B_SIGNED != {int(kind.b_signed)};
  wire [{wide_bits - low - 1}:0] a = {wide}[{wide_bits - 1}:{low}];
  wire [{narrow_bits - 1}:0] b = {narrow};
  {rows}
  wire [{kind.y_bits - 1}:0] upper = {upper};
  wire [{low + narrow_bits - 1}:0] lower = {lower};
  assign Y = (upper << {low}) + lower;
endmodule
"""


def _rows(a_bits: int, b_bits: int, *, a_signed: bool, b_signed: bool) -> str:
    """Return Verilog of ``rows``, ``a`` times ``b`` as rows that are added in pairs.

    Signed factors as by Baugh and Wooley ("A Two's Complement Parallel Array Multiplication Algorithm",
    1973): a bit that counts as negative is inverted, and a constant makes up for that.
    """
    lines, constant = [], 0
    rows: list[tuple[str, int, int]] = []
    for place in range(b_bits):
        sign = a_signed << (a_bits - 1)
        negative = ((1 << a_bits) - 1) ^ sign if b_signed and place == b_bits - 1 else sign
        constant -= negative << place
        lines.append(
            f"wire [{a_bits - 1}:0] row_{place} = (a & {{{a_bits}{{b[{place}]}}}}) ^ {a_bits}'d{negative};"
        )
        rows.append((f"row_{place}", place, a_bits))
    while len(rows) > 1:
        pairs = []
        for (low, place, low_bits), (high, high_place, high_bits) in zip(rows[::2], rows[1::2], strict=False):
            move = high_place - place
            bits = max(low_bits, move + high_bits) + 1
            lines.append(f"wire [{bits - 1}:0] {low}_{high} = {low} + {{{high}, {move}'b0}};")
            pairs.append((f"{low}_{high}", place, bits))
        rows = pairs + rows[len(rows) & ~1 :]
    bits = a_bits + b_bits
    lines.append(f"wire [{bits - 1}:0] rows = {rows[0][0]} + {bits}'d{constant % (1 << bits)};")
    return "\n  ".join(lines)
