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
from .array_library import Arrangement, Way, arranged, array_program, multiply, quantises
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
    program = array_program(config, Way.COMPUTED)
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


@dataclass(frozen=True)
class BesideRun:
    """What came of a product and of weights that the core made beside it.

    Attributes
    ----------
    product:
        Results, M x N words; cycles and instructions of all.
    weights:
        Words of tiles of weights, matrices x words, as the library packs them.
    powers:
        What a step of each matrix's weights is worth.
    """

    product: GemmRun
    weights: npt.NDArray[np.uint32]
    powers: Singles


def run_beside(
    config: SystolicConfig,
    x: Singles,
    tiles: npt.NDArray[np.uint32],
    matrices: Singles,
    *,
    turned: bool,
    share: int,
    conditions: Conditions | None = None,
) -> BesideRun:
    """Multiply by weights that are there, and meanwhile make weights of other matrices.

    Parameters
    ----------
    config:
        As in `run_computed`, with an address generator.
    x:
        M x K activations.
    tiles:
        Tiles along N x tiles along K x words of weights, packed.
    matrices:
        Matrices x vectors x words: multiples of the array's columns.
    turned:
        Their transposes become weights.
    share:
        Words of matrices for each command; each counts twice.
    conditions:
        As ``run_program`` takes them.

    Raises as `run_array`.
    """
    assert quantises(config) and config.memory_bits
    program = array_program(config, Way.QUANTISING)
    job = Job(program.free)
    count, vectors, length = matrices.shape
    lying = [
        arranged(
            each.view(np.uint32).astype(np.uint64), vectors, config.columns, config.columns, Arrangement.TILES
        )
        for each in matrices
    ]
    room, made = matrices.size, np.ones(tiles.shape[1::-1], bool)
    job.fields |= {
        "computed": job.place(b"".join(each.tobytes() for each in lying)),
        "turned": int(turned),
        "w": job.place(tiles.astype("<u4").tobytes()),
        "made": job.place(room=room),
        "powers": job.place(room=4 * count),
        "matrices": count,
        "vectors": vectors,
        "tiles": length // config.columns,
        "share": share,
    }
    n = len(tiles) * config.columns
    words = x.view(np.uint32).astype(np.uint64)
    whole, run = multiply(config, program, job, words, made, n, conditions=conditions)
    begin = job.base + 4 * Job.NAMES.index("cycles")
    weights, powers = (
        whole.results[(job.fields[name] - begin) // 4 :][:size]
        for name, size in (("made", room // 4), ("powers", count))
    )
    return BesideRun(run, weights.reshape(count, -1), powers.view(np.float32))
