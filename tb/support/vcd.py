"""Counters in a simulation, of the bench alone: cycles in which signals of a wave file are high."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

Signals = str | tuple[str, ...]
"""A pattern of ``fnmatch`` for signals, each of which counts; or names that must be high together."""


def count_cycles(path: Path, clock: str, signals: Mapping[str, Signals]) -> dict[str, int]:
    """Return in how many cycles signals of one bit are high as the clock rises.

    Parameters
    ----------
    path:
        A VCD file in which nothing but the clock changes its level at a rising edge before it is seen: values
        are those before all changes of that time.
    clock, signals:
        By their whole names, scopes with dots between them.

    Raises
    ------
    ValueError
        A name or a pattern that no signal has.
    """
    with path.open(encoding="ascii") as file:
        scopes, codes = list[str](), dict[str, str]()
        for line in file:
            word, *rest = line.split()
            if word == "$scope":
                scopes.append(rest[1])
            elif word == "$upscope":
                scopes.pop()
            elif word == "$var" and rest[1] == "1":
                codes[".".join([*scopes, rest[3]])] = rest[2]
            elif word == "$enddefinitions":
                break
        groups = [(label, group) for label, names in signals.items() for group in _groups(codes, names)]
        watched = {code for _, group in groups for code in group}
        high: set[str] = set()
        changed: dict[str, bool] = {}
        rising, edge = False, f"1{codes[clock]}"
        found = Counter(dict.fromkeys(signals, 0))
        for line in itertools.chain(file, "#"):
            text = line.rstrip()
            rising |= text == edge
            if text[1:] in watched and text[0] in "01":
                changed[text[1:]] = text[0] == "1"
            elif text.startswith("#"):
                if rising:
                    found.update(label for label, group in groups if high.issuperset(group))
                for code, one in changed.items():
                    (high.add if one else high.discard)(code)
                rising, changed = False, {}
    return dict(found)


def _groups(codes: Mapping[str, str], names: Signals) -> list[tuple[str, ...]]:
    """Return the codes that must be high together, for each thing that counts."""
    if isinstance(names, tuple):
        for name in names:
            if name not in codes:
                raise ValueError(f"{name}: no such signal of one bit")
        return [tuple(codes[name] for name in names)]
    found = [(code,) for name, code in codes.items() if fnmatchcase(name, names)]
    if not found:
        raise ValueError(f"{names}: no signal of one bit is called so")
    return found
