"""Pictures by Schemdraw, which comes with the extra ``package``: what diagrams of all kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tileloom.errors import ToolError


def svg(paint: Callable[[Any], None]) -> str:
    """Return what ``paint`` adds to an empty ``schemdraw.Drawing`` as SVG, its text as text.

    The same picture has the same bytes. Raises ToolError where Schemdraw is not installed.
    """
    try:
        import schemdraw
    except ImportError:
        raise ToolError("pictures need schemdraw: pip install 'tileloom[package]'") from None
    schemdraw.use("svg")
    schemdraw.svgconfig.text = "text"
    sheet = schemdraw.Drawing(show=False, canvas="svg", fontsize=10, font="sans-serif", margin=0.5)
    paint(sheet)
    text = sheet.get_imagedata("svg").decode()
    # Schemdraw numbers what clips through all pictures of a process.
    clips = list(dict.fromkeys(re.findall(r"\bclip\d+\b", text)))
    return re.sub(r"\bclip\d+\b", lambda match: f"clip{clips.index(match[0])}", text)
