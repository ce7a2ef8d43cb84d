"""A picture of area by origin over the size of the array, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sasp import Row

# From bottom to top; colours that stay apart in print and for colour-blind eyes (Okabe and Ito).
BANDS = (
    ("multiplier", "#0072B2", ("multiplier",)),
    ("adder", "#56B4E9", ("adder", "adder: align", "adder: add", "adder: normalise", "adder: round")),
    ("logic (flat)", "#56B4E9", ("logic",)),
    ("pipeline registers", "#E69F00", ("pipeline registers",)),
    ("stationary registers", "#D55E00", ("stationary registers",)),
    ("activation registers", "#F0E442", ("activation registers",)),
    ("skew, loading, control", "#999999", ("skew", "weight loading", "control", "clock gates")),
)
"""What is drawn together: its name, colour and origins."""

WIDTH, HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 200, 50, 60
_BAR = 42


def draw(rows: list[Row]) -> str:
    """Return an SVG of gate equivalents per processing element by origin: two bars for each size."""
    per_element = {(row.size, weight): _bands(row, weight) for row in rows for weight in rows[0].reports}
    step = _round_step(max(sum(bands) for bands in per_element.values()) / 5)
    top = step * (int(max(sum(bands) for bands in per_element.values()) / step) + 1)
    scale = (HEIGHT - _TOP - _BOTTOM) / top
    base = HEIGHT - _BOTTOM
    library = rows[0].reports["fp32"].library
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>Area per processing element by origin, in {library}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(_LEFT, 24, f"Area per processing element, GE ({library})", size=15, anchor="start"),
    ]
    for tick in range(0, top + 1, step):
        y = base - tick * scale
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{tick:,}", anchor="end"))
    space = (WIDTH - _LEFT - _RIGHT) / len(rows)
    for place, row in enumerate(rows):
        middle = _LEFT + space * (place + 0.5)
        for side, weight in zip((-1, 1), rows[0].reports, strict=True):
            x = middle + side * (_BAR / 2 + 3) - _BAR / 2
            parts += _bar(x, base, scale, per_element[row.size, weight])
            parts.append(_text(x + _BAR / 2, base + 16, weight.upper()))
        parts.append(_text(middle, base + 36, f"{row.size} x {row.size}", size=13))
    parts += _legend([sum(bands[index] for bands in per_element.values()) > 0 for index in range(len(BANDS))])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bands(row: Row, weight: str) -> list[float]:
    """Return the gate equivalents of each band per processing element."""
    result = row.reports[weight]
    return [
        sum(result.shares[origin].area for origin in origins if origin in result.shares)
        / result.ge
        / row.size**2
        for _, _, origins in BANDS
    ]


def _bar(x: float, base: float, scale: float, bands: list[float]) -> list[str]:
    parts = []
    y = base
    for (name, colour, _), value in zip(BANDS, bands, strict=True):
        height = value * scale
        y -= height
        if height > 0:
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{_BAR}" height="{height:.1f}" fill="{colour}">'
                f"<title>{name}: {value:,.0f} GE</title></rect>"
            )
    parts.append(_text(x + _BAR / 2, y - 5, f"{sum(bands):,.0f}"))
    return parts


def _legend(used: list[bool]) -> list[str]:
    parts = []
    y = _TOP + 20
    for (name, colour, _), is_used in reversed(list(zip(BANDS, used, strict=True))):
        if is_used:
            x = WIDTH - _RIGHT + 20
            parts.append(f'<rect x="{x}" y="{y - 11}" width="14" height="14" fill="{colour}"/>')
            parts.append(_text(x + 22, y, name, anchor="start"))
            y += 24
    return parts


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{text}</text>'


def _round_step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, ... that is not below ``least``."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        power *= 10
