"""Which of many cases every run tries, and which only the long one (``python -m pytest -m long``)."""

from collections.abc import Iterable

import pytest


def few(names: Iterable[str], always: int = 1) -> list[object]:
    """Return the first ``always`` of ``names`` as they are, and the others marked ``long``.

    For broken hardware, each piece of which is a simulator build of its own.
    """
    cases = list(names)
    return [*cases[:always], *(pytest.param(name, marks=pytest.mark.long) for name in cases[always:])]
