"""Modules that are equal but for their names, merged into the first of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .live import Module


def merge_equal(modules: Mapping[str, Module], keep: str) -> dict[str, Module]:
    """Return the modules with those that are equal merged into the first of them, ``keep`` never.

    Equal is the same text but for the names that Yosys makes up. Merging leaves can make their parents equal,
    so that it goes on until nothing changes. Instances in ``modules`` are changed.
    """
    merged = dict(modules)
    texts = {name: _text(module) for name, module in merged.items()}
    while True:
        first: dict[str, str] = {}
        replaced = {
            name: first[text]
            for name, text in texts.items()
            if first.setdefault(text, name) != name and name != keep
        }
        if not replaced:
            return merged
        merged = {name: module for name, module in merged.items() if name not in replaced}
        for name, module in merged.items():
            parts = [cell for cell in module["cells"].values() if cell["type"] in replaced]
            for cell in parts:
                cell["type"] = replaced[cell["type"]]
            if parts:
                texts[name] = _text(module)
        texts = {name: texts[name] for name in merged}


def _text(module: Module) -> str:
    """Return all of a module but for its name and the names that are hidden."""
    named: list[Any] = [
        (name if not account["hide_name"] else "", account["bits"])
        for name, account in module["netnames"].items()
    ]
    cells = [
        (name if not cell["hide_name"] else "", cell["type"], cell["parameters"], cell["connections"])
        for name, cell in module["cells"].items()
    ]
    return json.dumps([module["ports"], named, cells])
