"""Rooflines as an interactive page: one HTML file that loads nothing, with the figures in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

PLACE = "null/*DATA*/"
"""What the figures stand for in ``page.html``."""


def page(figures: Mapping[str, Any]) -> str:
    """Return the page for figures as ``report.figures`` has them."""
    # A name with </script> in it must not end the script.
    data = json.dumps(figures, allow_nan=False).replace("<", "\\u003c")
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    before, after = template.split(PLACE)
    return before + data + after
