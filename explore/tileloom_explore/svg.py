"""Pictures by matplotlib, which comes with the extra ``charts``: what all of them share."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from tileloom.errors import ToolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that stay apart in print and for colour-blind eyes (Okabe and Ito)."""


def svg(paint: Callable[[Figure], None], *, width: float, height: float) -> str:
    """Return what ``paint`` draws as SVG: the same bytes for the same picture, its text as text.

    Parameters
    ----------
    paint:
        Draws on an empty figure.
    width, height:
        In inches.

    Raises
    ------
    ToolError
        matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ToolError("a picture needs matplotlib: pip install 'tileloom[charts]'") from None
    with matplotlib.rc_context({"svg.hashsalt": "tileloom", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()
