"""A significand kept as digits in radix 4: the number that they stand for, as SMT-LIB and as a polynomial.

Written from the table in ``tileloom.arith.digits``: a digit of two bits is 0, 1, 2 or -1. Of an odd width one
bit is left, 1 more than it says; of an even width the highest digit is 2, or -1 or 0 below a digit of 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from .polynomial import ONE, Form
from .specification import bits, number


def represented(digits: str, width: int) -> str:
    """Return the number that ``width`` bits of digits stand for, as wide. Without digits it is 1."""
    if width < 2:
        return number(1, 1)
    terms = []
    for place in range(0, width, 2):
        one, two, three, none = (number(count << place, width) for count in (1, 2, -1, 0))
        if place == width - 1:
            one, none = number(2 << place, width), one
            terms.append(f"(ite (= {bits(digits, place, place)} #b1) {one} {none})")
            continue
        if place == width - 2:
            none, three = number(4 << place, width), number(3 << place, width)
        low, high = (f"(= {bits(digits, place + offset, place + offset)} #b1)" for offset in (0, 1))
        odd = three if place == width - 2 else f"(ite {high} {three} {one})"
        terms.append(f"(ite {low} {odd} (ite {high} {two} {none}))")
    total = terms[0]
    for term in terms[1:]:
        total = f"(bvadd {total} {term})"
    return total


def polynomial(nets: Sequence[int]) -> Form:
    """Return the number that digits stand for, by their nets, the lowest first. Without nets it is 1."""
    width = len(nets)
    if not nets:
        return {ONE: 1}
    form: dict[frozenset[int], int] = {}
    for place in range(0, width, 2):
        low, high = (frozenset((net,)) for net in (nets[place], nets[min(place + 1, width - 1)]))
        if place == width - 1:
            found = {ONE: 1, low: 1}
        elif place == width - 2:
            # 4 - 2 high + 2 low high - low: 2, 3 and 4 of the codes that there are.
            found = {ONE: 4, high: -2, low | high: 2, low: -1}
        else:
            found = {low: 1, high: 2, low | high: -4}
        for monomial, coefficient in found.items():
            form[monomial] = form.get(monomial, 0) + (coefficient << place)
    return form
