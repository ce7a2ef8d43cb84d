"""Carry-save multiplication: two rows whose sum is the product, before the carries have run along it.

``Multiply`` puts a register between the rows and their sum where it is asked to, and synthesis maps every
``*`` to the same structure. ``a * b`` leaves the choice to a tool, and no tool puts a
register inside it.

```
 a ---> one row per Booth digit ---> full adders, column by column ---> x, y: two rows ----> (+) ---> product
 b --'  (per bit, if b is narrow)     (earliest bits first)       '---> low: already summed -------'
```

The rows are ``partial_products`` or, of a stationary factor, ``digits``; ``columns`` adds them up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Value

from .columns import Columns
from .digits import put_digits, selections
from .partial_products import put_ands, put_booth, recode


@dataclass(frozen=True)
class Rows:
    """A product that is not added up yet: ``low + 2**len(low) * (x + y + carry)``, modulo its width.

    Attributes
    ----------
    low:
        The lowest places, added up.
    x, y:
        Two bits for each of the other places.
    carry:
        Out of ``low``; one bit, a constant 0 where there is none.
    """

    low: Value
    x: Value
    y: Value
    carry: Value

    @property
    def sum(self) -> Value:
        """The product, unsigned. One adder: a carry comes in below its lowest place."""
        if isinstance(self.carry, Const):
            upper = self.x + self.y
        else:
            upper = (Cat(Const(1, 1), self.x) + Cat(self.carry, self.y))[1:]
        return Cat(self.low, upper[: len(self.x)])


def carry_save_multiply(
    m: Module,
    platform: object,
    a: Value,
    b: Value,
    *,
    signed: bool = False,
    booth: bool = True,
    resolve: bool = True,
) -> Rows:
    """Return the product of two values as rows, with their hardware added to ``m``. Combinational.

    Parameters
    ----------
    m, platform:
        Where the hardware goes, and of its elaboration.
    a, b:
        The operands. ``b`` should be the one that is stable first: its digits select ``a``.
    signed:
        Both operands are signed; otherwise both are unsigned, whatever their shape.
    booth:
        Recode ``b``; otherwise its digits are its bits. ``partial_products.booth_pays`` says which is better.
    resolve:
        Add up the lowest places, as far as their carry gets while the other places are reduced: fewer bits
        to keep. In front of an adder in the same cycle it only makes that adder's carry late.
    """
    columns = Columns(m, platform, len(a) + len(b))
    if booth:
        constant = put_booth(m, columns, a, recode(m, b, signed=signed), signed=signed)
    else:
        constant = put_ands(columns, a, b, signed=signed)
    columns.put_constant(constant)
    return _reduced(columns, resolve=resolve)


def carry_save_by_digits(
    m: Module, platform: object, a: Value, digits: Value, *, resolve: bool = True
) -> Rows:
    """Return the product of an unsigned value and a factor as ``digits.encode`` returns it, as rows.

    The rest as of ``carry_save_multiply``.
    """
    columns = Columns(m, platform, len(a) + len(digits))
    columns.put_constant(put_digits(m, columns, a, selections(digits), signed=False))
    return _reduced(columns, resolve=resolve)


def carry_save_sum(
    m: Module, platform: object, products: Iterable[Callable[[Module, Columns], int]], width: int
) -> Rows:
    """Return the sum of products as rows of ``width`` places, with their hardware added to ``m``.

    All partial products go into the same columns: no product is added up by itself.

    Parameters
    ----------
    m, platform:
        Where the hardware goes, and of its elaboration.
    products:
        Each puts its rows into columns and returns the constant that belongs to them, as ``put_digits`` and
        ``put_booth`` do; the module is for its hardware.
    width:
        The sum is modulo ``2**width``.
    """
    columns = Columns(m, platform, width)
    constant = 0
    for number, put in enumerate(products):
        m.submodules[f"product_{number}"] = product = Module()
        constant += put(product, columns)
    columns.put_constant(constant)
    return _reduced(columns, resolve=False)


def _reduced(columns: Columns, *, resolve: bool) -> Rows:
    columns.reduce()
    low, carry = columns.resolve(columns.latest if resolve else 0.0)
    x, y = columns.rows(len(low))
    return Rows(Cat(*low), Cat(*x), Cat(*y), Const(0, 1) if carry is None else carry)
