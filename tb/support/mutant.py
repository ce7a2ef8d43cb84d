"""A module with a piece of its source changed: hardware, or a proof of it, that a test must notice."""

from __future__ import annotations

import inspect
from types import ModuleType


def mutant(module: ModuleType, old: str, new: str) -> ModuleType:
    """Return the module with ``new`` in its source in place of ``old``, which must be there once."""
    source = inspect.getsource(module)
    flat = " ".join(source.split())
    assert flat.count(" ".join(old.split())) == 1, f"{module.__name__} changed: {old!r} is not there once"
    assert source.count(old) == 1, f"{module.__name__}: {old!r} is broken into lines"
    changed = ModuleType(f"{module.__name__}_mutant")
    changed.__package__ = module.__package__
    exec(compile(source.replace(old, new), f"mutant of {module.__file__}", "exec"), vars(changed))
    return changed
