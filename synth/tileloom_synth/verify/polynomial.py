"""Integers written in bits: sums of products of nets, with coefficients modulo a power of two.

A net is 0 or 1, so that no power of it is needed: every function of nets has one form, and two functions are
equal where their forms are. Rewriting a multiplier's output, gate by gate, into its inputs is the method of
Ciesielski et al., "Verification of gate-level arithmetic circuits by function extraction" (DAC 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Monomial = frozenset[int]
"""The nets that are multiplied; none: 1."""

Form = Mapping[Monomial, int]
"""Coefficients by monomial."""

ONE: Monomial = frozenset()


class Polynomial:
    """A sum that changes as nets are replaced by what they are.

    Parameters
    ----------
    form:
        What it is at first.
    width:
        Coefficients are modulo ``2**width``.
    """

    def __init__(self, form: Form, width: int) -> None:
        self.modulus = 1 << width
        self.form: dict[Monomial, int] = {}
        self._holding: dict[int, set[Monomial]] = {}
        for monomial, coefficient in form.items():
            self._add(monomial, coefficient)

    @property
    def nets(self) -> set[int]:
        """The nets in it."""
        return set(self._holding)

    def __contains__(self, net: int) -> bool:
        return net in self._holding

    def coefficient(self, net: int) -> int:
        """Return the coefficient of one net alone."""
        return self.form.get(frozenset((net,)), 0)

    def add(self, form: Form, times: int = 1) -> None:
        """Add ``times`` a form."""
        for monomial, coefficient in form.items():
            self._add(monomial, times * coefficient)

    def replace(self, net: int, form: Form) -> None:
        """Put a form in the place of a net."""
        for monomial in list(self._holding.get(net, ())):
            times = self.form[monomial]
            self._add(monomial, -times)
            rest = monomial - {net}
            for other, coefficient in form.items():
                self._add(rest | other, times * coefficient)

    def _add(self, monomial: Monomial, coefficient: int) -> None:
        total = (self.form.get(monomial, 0) + coefficient) % self.modulus
        if total:
            if monomial not in self.form:
                for net in monomial:
                    self._holding.setdefault(net, set()).add(monomial)
            self.form[monomial] = total
        elif monomial in self.form:
            del self.form[monomial]
            for net in monomial:
                self._holding[net].discard(monomial)
                if not self._holding[net]:
                    del self._holding[net]


def binary(nets: Iterable[int]) -> dict[Monomial, int]:
    """Return the unsigned number that nets spell, the lowest place first; a net may come more than once."""
    form: dict[Monomial, int] = {}
    for place, net in enumerate(nets):
        monomial = frozenset((net,))
        form[monomial] = form.get(monomial, 0) + (1 << place)
    return form


def product(a: Form, b: Form) -> dict[Monomial, int]:
    """Return the product of two forms."""
    form: dict[Monomial, int] = {}
    for left, x in a.items():
        for right, y in b.items():
            form[left | right] = form.get(left | right, 0) + x * y
    return form
