"""An example as a module, beside those that it imports; for tests of what they compute."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def example(name: str) -> Iterator[ModuleType]:
    """Give a module of ``examples``; afterwards none of that folder is known any more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        yield importlib.import_module(name)
    for known, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(f"{EXAMPLES}/"):
            del sys.modules[known]
