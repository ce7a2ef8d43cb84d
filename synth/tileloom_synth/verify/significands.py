"""Facts about products of two integers with their highest bit set: what a multiplier's proof stands on.

The product is in its bounds, and its lowest places are all 0 exactly where the zeros at the low ends of both
factors reach that far together.
"""

from __future__ import annotations

from collections.abc import Sequence

from .proof import Proof
from .solver import Query
from .specification import bits, number, widen

Widths = tuple[int, int]
"""Bits of the two factors, the highest always 1."""


def lemmas(widths: Widths, below: int) -> list[Proof]:
    """Return the proofs about products of such factors; ``below`` lowest places are looked at together."""
    size = f"{widths[0]} x {widths[1]} bits"
    proofs = [Proof("bounds of a product", size, "any", 0, "solver", lambda: [bounds_query(widths)])]
    if below:
        how = "solver, by lowest bit"
        size = f"{size}, lowest {below}"
        proofs.append(
            Proof("zeros below a product", size, "any", 0, how, lambda: zeros_queries(widths, below))
        )
    return proofs


def bounds_query(widths: Widths) -> Query:
    """Return a query without a counterexample where every product is in its bounds."""
    lines, product = _factors(widths)
    return Query([*lines, f"(assert (not {within(product, widths)}))"], {"a": "|x|", "b": "|y|"})


def zeros_queries(widths: Widths, below: int) -> Sequence[Query]:
    """Return queries without a counterexample where the zeros below two factors add up in their product.

    One for each place of the lowest one in the first factor, and one for none in the places that count.
    """
    lines, product = _factors(widths)
    wrong = f"(assert (distinct {empty(product, below)} {zeros_reach('|x|', '|y|', widths, below)}))"
    queries = []
    for place in range(min(below, widths[0] - 1) + 1):
        lowest = f"(= {bits('|x|', place, 0)} {number(1 << place, place + 1)})"
        if place == below:
            lowest = f"(= {bits('|x|', place - 1, 0)} {number(0, place)})"
        queries.append(Query([*lines, f"(assert {lowest})", wrong], {"a": "|x|", "b": "|y|"}))
    return queries


def within(product: str, widths: Widths) -> str:
    """Return that a product is at least that of both highest bits alone, at most that of all ones."""
    least = 1 << sum(widths) - 2
    most = ((1 << widths[0]) - 1) * ((1 << widths[1]) - 1)
    low, high = (number(bound, sum(widths)) for bound in (least, most))
    return f"(and (bvuge {product} {low}) (bvule {product} {high}))"


def empty(product: str, below: int) -> str:
    """Return that the ``below`` lowest places of a product are all 0."""
    return f"(= {bits(product, below - 1, 0)} {number(0, below)})"


def zeros_reach(x: str, y: str, widths: Widths, below: int) -> str:
    """Return that the zeros at the low ends of two factors are together ``below`` or more.

    Of no two bits that are 1, then, do the places add up to less than ``below``.
    """
    pairs = [
        f"(or (= {bits(x, place, place)} #b0) (= {bits(y, high, 0)} {number(0, high + 1)}))"
        for place in range(min(below, widths[0]))
        for high in [min(below - place, widths[1]) - 1]
    ]
    return f"(and {' '.join(pairs)})"


def _factors(widths: Widths) -> tuple[list[str], str]:
    """Return lines that declare two factors, and their product."""
    lines = []
    for name, width in zip(("|x|", "|y|"), widths, strict=True):
        lines.append(f"(declare-const {name} (_ BitVec {width}))")
        lines.append(f"(assert (= {bits(name, width - 1, width - 1)} #b1))")
    factors = f"{widen('|x|', widths[1])} {widen('|y|', widths[0])}"
    lines.append(f"(define-fun |xy| () (_ BitVec {sum(widths)}) (bvmul {factors}))")
    return lines, "|xy|"
