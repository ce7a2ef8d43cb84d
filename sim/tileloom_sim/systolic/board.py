"""Y = X W on an array on a board: the user's matrices, compared with the golden model, and its figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.systolic.config import SystolicConfig

from ..board.port import OpenBoard, line_figures, line_rows
from ..layout import MATRIX, named, oriented
from .board_player import PlayerOnBoard
from .board_product import Product, multiply_words
from .operands import Operands, prepare, require_float32, values_of
from .simulate import compare


def multiply(
    opened: OpenBoard,
    config: SystolicConfig,
    *,
    weights: Any,
    activations: Any,
    layout: str | None = None,
    prune: float | None = None,
) -> Result:
    """Return Y = X W of the user's matrices, an array or the path of an .npy file each, as ``simulate`` does.

    Raises CheckError where a word differs from the golden model's, LinkError where the board stops answering.
    """
    require_float32(config)
    x, w = named(activations, "activations"), named(weights, "weights")
    operands = prepare(config, x, oriented(w, layout, MATRIX), prune=prune)
    player = PlayerOnBoard(opened.bus, opened.board, config)
    began = time.perf_counter()
    with step("Multiplying on the board") as shown:
        product = multiply_words(
            player,
            opened.bus,
            operands.x,
            operands.w,
            lambda done, of: shown.show(completed=done, total=of),
        )
    seconds = time.perf_counter() - began
    with step("Comparing with the golden model"):
        compare(config, product.words, operands)
    figures = _figures(opened, operands, config, product, seconds)
    y = values_of(config, product.words, operands, raw=False)
    return Result(figures, [Sheet(opened.board.board, (), _rows(figures))], values=y)


def _figures(
    opened: OpenBoard, operands: Operands, config: SystolicConfig, product: Product, seconds: float
) -> dict[str, Any]:
    (m, k), n = operands.x.shape, operands.w.shape[1]
    counters = product.counters
    return {
        "board": opened.board.board,
        "clock_hz": opened.board.clock_hz,
        "m": m,
        "k": k,
        "n": n,
        "tiles": product.tiles,
        "tiles_skipped": product.tiles - product.computed,
        "tiles_done": counters["tiles_done"],
        "runs": product.runs,
        "busy_cycles": counters["busy_cycles"],
        "stall_cycles": counters["stalls"],
        "array_seconds": counters["busy_cycles"] / opened.board.clock_hz,
        "seconds": seconds,
        "multiply_accumulates_per_second": m * k * n / seconds if seconds else 0.0,
        "resets": product.resets,
        **line_figures(opened),
    }


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    rate = figures["multiply_accumulates_per_second"]
    return [
        ("Y = X W", f"{figures['m']} x {figures['k']} x {figures['n']}"),
        ("equal to the golden model", "every word"),
        ("tiles skipped", f"{figures['tiles_skipped']} of {figures['tiles']}"),
        (
            "array busy, by its counter",
            f"{figures['busy_cycles']:,} cycles, {figures['array_seconds']:.4f} s",
        ),
        ("of these stalls", f"{figures['stall_cycles']:,} cycles"),
        ("tiles done, by its counter", f"{figures['tiles_done']:,} in {figures['runs']:,} runs"),
        ("in all", f"{figures['seconds']:.2f} s, {rate:,.0f} multiply-accumulates/s"),
        *line_rows(figures),
    ]
