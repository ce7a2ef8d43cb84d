"""The library's functions beside layers, on random data, each result compared with the golden model's."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError, UserError
from tileloom_golden.xfu import operators, transformer

from ..riscv.run import Conditions, Progress
from ..riscv.system import System
from . import operations
from .calls import Call, run_call
from .layers import LayerShape

Int8 = npt.NDArray[np.int8]
Drawn = tuple[Call, npt.NDArray[Any]]

SCALE = 1 / 16
"""Of the activations of softmax and GELU, and of the results of GELU and layer normalisation."""


@dataclass(frozen=True, kw_only=True)
class FunctionCase:
    """A function and its shape.

    Attributes
    ----------
    function:
        Of `FUNCTIONS`.
    channels:
        Of an image, or the length of a matrix's lines.
    lines:
        Of a matrix.
    window:
        Height and width of the image, of the window, stride and padding of a pool.
    """

    function: str
    channels: int
    lines: int
    window: LayerShape


@dataclass(frozen=True, kw_only=True)
class FunctionRun:
    """What a case took: results, and cycles and instructions by the core's counters."""

    case: FunctionCase
    results: int
    cycles: int
    instructions: int


def measure_functions(
    system: System,
    cases: Sequence[FunctionCase],
    *,
    seed: int = 0,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
) -> Generator[FunctionRun]:
    """Run functions one after the other; yield what each took.

    Raises CheckError where a result differs from the golden model's, UserError where a shape is out of a
    function's range, and as ``run_call``.
    """
    for case in cases:
        rng = np.random.default_rng([seed, case.channels, len(case.function)])
        try:
            call, wanted = FUNCTIONS[case.function](case, rng)
        except ValueError as error:
            raise UserError(f"{case.function}, {case.channels} channels: {error}") from None
        run = run_call(system, call, conditions=conditions, progress=progress)
        wrong = run.results != wanted
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise CheckError(
                f"{case.function}, {case.channels} channels: {list(place)} is {run.results[place]}, the "
                f"golden model has {wanted[place]}; {wrong.sum()} of {wrong.size} differ"
            )
        yield FunctionRun(case=case, results=wanted.size, cycles=run.cycles, instructions=run.instructions)


def _int8(rng: np.random.Generator, *shape: int) -> Int8:
    return rng.integers(-128, 128, shape, dtype=np.int8)


def _matrix(case: FunctionCase, rng: np.random.Generator) -> Int8:
    return _int8(rng, case.lines, case.channels)


def _max_pool(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    at = case.window
    image, kernel = _int8(rng, at.height, at.width, case.channels), at.kernel or (1, 1)
    call = operations.max_pool_call(at, image)
    return call, operators.max_pool(image, kernel, stride=at.stride, padding=at.padding)


def _average_pool(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    at = case.window
    image, kernel = _int8(rng, at.height, at.width, case.channels), at.kernel or (1, 1)
    scale, shift = round(2**24 / (kernel[0] * kernel[1])), 24
    while scale > 65535:
        scale, shift = scale // 2, shift - 1
    call = operations.average_pool_call(at, image, scale, shift)
    return call, operators.average_pool(
        image, kernel, scale=scale, shift=shift, stride=at.stride, padding=at.padding
    )


def _add(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    a, b = _matrix(case, rng), _matrix(case, rng)
    scales = (int(rng.integers(1, 65536)), int(rng.integers(1, 65536)))
    return operations.add_call(a, b, scales, 16), operators.add(a, b, scales=scales, shift=16)


def _transpose(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    matrix = _matrix(case, rng)
    return operations.transpose_call(matrix), np.pad(matrix.T, ((0, 0), (0, -case.lines % 4)))


def _softmax(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    x, parameters = _matrix(case, rng), transformer.Softmax.of_scale(SCALE)
    return operations.softmax_call(x, parameters), transformer.softmax(x, parameters)


def _gelu(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    x, parameters = _matrix(case, rng), transformer.Gelu.of_scale(SCALE, SCALE)
    return operations.gelu_call(x, parameters), transformer.gelu(x, parameters)


def _normalise(case: FunctionCase, rng: np.random.Generator) -> Drawn:
    x, size = _matrix(case, rng), case.channels
    gamma = rng.uniform(0.5, 2, size) * rng.choice((-1, 1), size)
    parameters = transformer.Normalisation.of(gamma, rng.normal(0, 0.1, size), SCALE)
    return operations.normalise_call(x, parameters), transformer.normalise(x, parameters)


FUNCTIONS: dict[str, Callable[[FunctionCase, np.random.Generator], Drawn]] = {
    "max-pool": _max_pool,
    "average-pool": _average_pool,
    "add": _add,
    "transpose": _transpose,
    "softmax": _softmax,
    "gelu": _gelu,
    "normalise": _normalise,
}
"""By name: what draws the data of a case, and returns the call and the golden model's results."""

POOLS = ("max-pool", "average-pool")
"""Those of images; the others are of matrices."""
