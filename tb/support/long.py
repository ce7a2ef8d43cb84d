"""Which of many cases every run tries, and which only the long one (``python -m pytest -m long``)."""

from collections.abc import Iterable, Mapping

import pytest


def few(names: Iterable[str], always: int = 1) -> list[object]:
    """Return the first ``always`` of ``names`` as they are, and the others marked ``long``.

    For broken hardware, each piece of which is a simulator build of its own.
    """
    cases = list(names)
    return [*cases[:always], *(pytest.param(name, marks=pytest.mark.long) for name in cases[always:])]


def but(cases: Mapping[str, object], *later: str) -> list[object]:
    """Return the cases with their names as ids, those of ``later`` marked ``long``.

    For what takes a simulator build, or much time in Amaranth's simulator, beside others that are like it.
    """
    assert set(later) <= set(cases), later
    return [
        pytest.param(case, id=name, marks=[pytest.mark.long] if name in later else [])
        for name, case in cases.items()
    ]
