"""Y = X W on an engine on a board: the user's matrices, compared with the golden model, and its figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import CheckError, UserError
from tileloom_golden.rounding import to_float64

from ..board.port import OpenBoard, line_figures, line_rows
from ..layout import named
from ..systolic import reference
from ..systolic.operands import require_float32
from .board_product import Product, run
from .job import Job, check_requantised, make_job
from .run import require_whole_bytes


def multiply(
    opened: OpenBoard,
    config: EngineConfig,
    *,
    weights: Any,
    activations: Any,
    layout: str | None = None,
    prune: float | None = None,
    bias: Any = None,
    scale: Any = None,
    shift: Any = None,
    zero_point: Any = None,
) -> Result:
    """Return Y = X W + bias of the user's matrices as ``simulate`` does; INT8 results are scaled alike.

    Raises CheckError where a result differs from the golden model's, FaultError where a program ends with a
    fault, LinkError where the board stops answering.
    """
    require_whole_bytes(config)
    systolic = config.core is Core.SYSTOLIC
    if systolic:
        require_float32(config.systolic)
    check_requantised(config, {"scale": scale, "shift": shift, "zero-point": zero_point})
    x, w = (
        named(given, name, floats=systolic)
        for given, name in ((activations, "activations"), (weights, "weights"))
    )
    numbers = {"bias": bias, "scale": scale, "shift": shift, "zero_point": zero_point}
    each: dict[str, Any] = {
        name: None if given is None else named(given, name, floats=systolic)
        for name, given in numbers.items()
    }
    if w[1].ndim != 2:
        raise UserError(f"{w[0]}: has shape {w[1].shape}; a board multiplies matrices")
    with step("Computing the golden model"):
        job = make_job(config, x, w, layout, prune=prune, **each)
    began = time.perf_counter()
    with step("Multiplying on the board") as shown:
        product = run(opened, config, job, lambda done, of: shown.show(completed=done, total=of))
    seconds = time.perf_counter() - began
    expected = job.expected.reshape(job.shape)
    wrong = product.results != expected
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise CheckError(
            f"Y[{row}, {column}] is {product.results[row, column]}, the golden model has "
            f"{expected[row, column]}; {int(wrong.sum())} of {wrong.size} differ"
        )
    values = product.results
    if systolic:
        assert job.operands is not None
        words = to_float64(values, reference.float_format(config.accumulator))
        values = words.astype(np.float32) * job.operands.scale
    figures = _figures(opened, job, product, seconds)
    return Result(figures, [Sheet(opened.board.board, (), _rows(figures))], values=values)


def _figures(opened: OpenBoard, job: Job, product: Product, seconds: float) -> dict[str, Any]:
    m, n = job.shape
    k = job.weights.shape[0]
    figures: dict[str, Any] = {
        "board": opened.board.board,
        "clock_hz": opened.board.clock_hz,
        "m": m,
        "k": k,
        "n": n,
        "programs": product.programs,
        "bytes_written": product.written,
        "busy_cycles": product.busy_cycles,
        "stalls_in": product.stalls_in,
        "stalls_out": product.stalls_out,
        "blocks_skipped": product.blocks_skipped,
        "busy_seconds": product.busy_cycles / opened.board.clock_hz,
        "seconds": seconds,
        "multiply_accumulates_per_second": m * k * n / seconds if seconds else 0.0,
        "resets": product.resets,
        **line_figures(opened),
    }
    if job.chosen and job.parameters is not None:
        figures["scale"] = job.parameters.scale.tolist()
        figures["shift"] = job.parameters.shift.tolist()
    return figures


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    rate = figures["multiply_accumulates_per_second"]
    rows = [
        ("Y = X W", f"{figures['m']} x {figures['k']} x {figures['n']}"),
        ("equal to the golden model", "every result"),
        ("programs", f"{figures['programs']:,}"),
        (
            "engine busy, by its counter",
            f"{figures['busy_cycles']:,} cycles, {figures['busy_seconds']:.4f} s",
        ),
        ("of these stalls in, out", f"{figures['stalls_in']:,}, {figures['stalls_out']:,} cycles"),
        ("blocks skipped, by its counter", f"{figures['blocks_skipped']:,}"),
        ("in all", f"{figures['seconds']:.2f} s, {rate:,.0f} multiply-accumulates/s"),
        *line_rows(figures),
    ]
    if "scale" in figures:
        rows.append(("scale, shift", f"{figures['scale'][0]}, {figures['shift'][0]}"))
    return rows
