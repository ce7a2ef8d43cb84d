"""Boolean functions in liberty's notation, as truth tables: how cells are told by what they do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations

from tileloom.errors import UserError

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*(?:\[\d+\])?|[01()!'*&+|^])")


DEEPEST = 100
"""Most parentheses and ``!`` in a function; the recursion goes as deep as there are."""


class FunctionError(UserError):
    """A text that is no Boolean function of the inputs given."""


def truth_table(function: str, inputs: Sequence[str]) -> int:
    """Return the truth table of ``function``: bit ``n`` is its value where input ``i`` is bit ``i`` of ``n``.

    Operators, the tightest first: ``'`` after and ``!`` before an operand; ``^``; ``*``, ``&`` or nothing
    for AND; ``+`` or ``|``.

    Raises FunctionError for what is no such function.
    """
    parser = _Parser(function, inputs)
    value = parser.either()
    if parser.tokens:
        raise FunctionError(f"{function}: unexpected {parser.tokens[-1]!r}")
    return value


def permuted(table: int, order: Sequence[int]) -> int:
    """Return the truth table of the same function with input ``order[i]`` in the place of input ``i``."""
    result = 0
    for row in range(1 << len(order)):
        source = sum((row >> new & 1) << old for old, new in enumerate(order))
        result |= (table >> source & 1) << row
    return result


def equal_but_for_order(table: int, other: int, inputs: int) -> bool:
    """Return whether two functions of ``inputs`` inputs are the same up to the order of the inputs."""
    return any(permuted(table, order) == other for order in permutations(range(inputs)))


class _Parser:
    """Recursive descent; a value is a truth table, so that every operator works on all rows at once."""

    def __init__(self, function: str, inputs: Sequence[str]) -> None:
        self.function = function
        if function.count("(") + function.count("!") > DEEPEST:
            raise FunctionError(f"{function[:20]}...: more than {DEEPEST} parentheses and '!'")
        rows = 1 << len(inputs)
        self.ones = (1 << rows) - 1
        self.inputs = {
            name: sum(1 << row for row in range(rows) if row >> place & 1)
            for place, name in enumerate(inputs)
        }
        self.tokens: list[str] = []  # the next one last
        place = 0
        while function[place:].strip():
            match = _TOKEN.match(function, place)
            if match is None:
                raise FunctionError(f"{function}: unexpected {function[place:].strip()[0]!r}")
            self.tokens.append(match[1])
            place = match.end()
        self.tokens.reverse()

    def _take(self, choices: str) -> bool:
        if self.tokens and self.tokens[-1] in choices:
            self.tokens.pop()
            return True
        return False

    def either(self) -> int:
        value = self._both()
        while self._take("+|"):
            value |= self._both()
        return value

    def _both(self) -> int:
        value = self._exclusive()
        while self._take("*&") or (self.tokens and self.tokens[-1] not in ")+|^'"):
            value &= self._exclusive()
        return value

    def _exclusive(self) -> int:
        value = self._operand()
        while self._take("^"):
            value ^= self._operand()
        return value

    def _operand(self) -> int:
        if self._take("!"):
            return self.ones ^ self._operand()
        if not self.tokens:
            raise FunctionError(f"{self.function}: an operand is missing")
        token = self.tokens.pop()
        if token == "(":
            value = self.either()
            if not self._take(")"):
                raise FunctionError(f"{self.function}: ')' is missing")
        elif token in "01":
            value = self.ones * int(token)
        elif token in self.inputs:
            value = self.inputs[token]
        else:
            raise FunctionError(f"{self.function}: {token} is no input")
        while self._take("'"):
            value ^= self.ones
        return value
