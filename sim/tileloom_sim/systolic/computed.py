"""Y = X W on the RISC-V system where W is computed: made of a matrix of activations before the product.

The core makes it by the C library's ``tileloom_quantise`` (``programs/quantise.c``), of the matrix as it is
or of its transpose; then the array multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.errors import ConfigError
from tileloom.systolic.config import SystolicConfig

from ..riscv.run import Conditions, Progress
from .array_library import Arrangement, arranged, array_program, multiply, quantises
from .software import GemmRun, Job

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ComputedRun:
    """What came of a product whose weights are computed.

    Attributes
    ----------
    product:
        Results, M x N words, not yet times the power; cycles and instructions of all.
    quantising:
        Cycles of these until the weights were made.
    power:
        What a step of the weights is worth.
    """

    product: GemmRun
    quantising: int
    power: float


def run_computed(
    config: SystolicConfig,
    x: Singles,
    matrix: Singles,
    *,
    turned: bool,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
) -> ComputedRun:
    """Multiply by weights that the core makes of a matrix, or of its transpose with ``turned``.

    Parameters
    ----------
    config:
        An array with a core as its host and INT8 weights; its rows are a multiple of 4, its columns of them.
    x:
        M x K activations.
    matrix:
        K x N, N x K if turned; a multiple of the array's rows and columns either way.
    conditions, progress:
        As ``run_program`` takes them.

    Raises ConfigError for another array, ValueError for other sizes, and as `run_array`.
    """
    if not quantises(config):
        raise ConfigError(
            f"weight: {config.weight} on {config.rows} x {config.columns}; weights are made of activations "
            "for int8, rows that are a multiple of 4, and columns that are one of the rows"
        )
    k, n = matrix.shape[::-1] if turned else matrix.shape
    if k % config.rows or n % config.columns or matrix.shape[1] % config.columns:
        raise ValueError(f"matrix is {matrix.shape}, no multiple of {config.rows} x {config.columns}")
    program = array_program(config)
    job = Job(program.free)
    words = matrix.view(np.uint32).astype(np.uint64)
    lying = arranged(words, len(matrix), config.columns, config.columns, Arrangement.TILES)
    job.fields |= {
        "computed": job.place(lying.tobytes()),
        "turned": int(turned),
        "w": job.place(room=k * n),
    }
    kept = np.ones((k // config.rows, n // config.columns), bool)
    words_of_x = x.view(np.uint32).astype(np.uint64)
    whole, run = multiply(config, program, job, words_of_x, kept, n, conditions=conditions, progress=progress)
    begin = Job.NAMES.index("cycles")
    quantising, power = (whole.results[Job.NAMES.index(name) - begin] for name in ("quantising", "power"))
    return ComputedRun(run, int(quantising), float(np.uint32(power).view(np.float32)))
