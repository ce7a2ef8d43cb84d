"""Tileloom: RTL for sparse edge inference. From Python: the jobs of ``tileloom.api``.

>>> import tileloom
>>> config = tileloom.load("stream-8x8-int8", rows=5)
>>> tileloom.generate(config).manifest["timing"]["weight_transfers_per_tile"]
5
"""

import importlib
from typing import Any

_JOBS = ("generate", "load", "power", "simulate", "synthesise")


def __getattr__(name: str) -> Any:
    """Return a job of ``tileloom.api``, imported when it is asked for: a configuration needs no Amaranth."""
    if name in _JOBS:
        return getattr(importlib.import_module(".api", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_JOBS]
