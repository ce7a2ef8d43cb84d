"""Cycles of what an encoder has between its products, by the C library on CV32E40P, single-cycle memory.

The inner loops are counted, an instruction a cycle. What stands around them, for each vector and once, is
RTL of three matrices on 4 x 8. ``tb/systolic/test_between.py`` holds the whole to within 1 % of RTL.
"""

from ..checks import check_positive

SOFTMAX, NORMALISE, RECTIFY, RESIDUAL = 21.0, 6.0, 3.0, 4.25
"""Of each word: the largest, 2^x and sum, quotient; sums, results; load, largest, store; and a sum."""
BESIDE = 0.8
"""Of each word that becomes its ReLU beside a product: what the array waits as the core is at the memory. On
a square array with a port of 128 bits, at least 9 tiles along k, by RTL of 8 x 8."""
SOFTMAX_BESIDE, GIVEN = 5.0, 60
"""Beside a product: of each word of softmax what the array waits, as above; of the core for each command."""
TILE = 3
"""Of each tile of a vector, pointers, in softmax and normalisation."""
SOFTMAX_VECTOR, NORMALISE_VECTOR = 63, 75
"""Calls, a division, and constants; a root, too."""
SOFTMAX_START, NORMALISE_START, RECTIFY_START, RESIDUAL_START = 42, 56, 31, 32


def softmax_cycles(vectors: int, length: int, *, columns: int) -> int:
    """Return the cycles of ``tileloom_softmax`` of vectors x length words, in tiles of so many columns.

    Raises ValueError where a number is not positive.
    """
    tiles = _tiles(vectors, length, columns)
    cycles = SOFTMAX * vectors * tiles * columns + vectors * (SOFTMAX_VECTOR + TILE * tiles)
    return round(cycles + SOFTMAX_START)


def softmax_beside_cycles(
    product: int, commands: int, vectors: int, length: int, *, columns: int, rows: int
) -> int:
    """Return the cycles of a product and of softmax, made beside it by ``tileloom_soften_beside``.

    Parameters
    ----------
    product, commands:
        Cycles of the product alone, and its tiles.
    vectors, length, columns:
        As in `softmax_cycles`.
    rows:
        Vectors of softmax with each command.

    Raises
    ------
    ValueError
        A number is not positive.
    """
    for value, name in ((product, "product"), (commands, "commands"), (rows, "rows")):
        check_positive(value, name)
    tiles = _tiles(vectors, length, columns)
    row = SOFTMAX * tiles * columns + SOFTMAX_VECTOR + TILE * tiles
    tile = product / commands
    beside = min(commands, -(-vectors // rows))
    # A command with its rows takes as long as the core has to do, or the array.
    each = max(rows * row + GIVEN, tile + SOFTMAX_BESIDE * rows * length)
    left = max(0, vectors - beside * rows)
    return round(beside * each + (commands - beside) * tile + left * row)


def normalise_cycles(vectors: int, length: int, *, columns: int) -> int:
    """Return the cycles of ``tileloom_normalise``; parameters and ValueError as `softmax_cycles`."""
    tiles = _tiles(vectors, length, columns)
    cycles = NORMALISE * vectors * tiles * columns + vectors * (NORMALISE_VECTOR + TILE * tiles)
    return round(cycles + NORMALISE_START)


def rectify_cycles(vectors: int, length: int, *, columns: int) -> int:
    """Return the cycles of ``tileloom_rectify``; parameters and ValueError as `softmax_cycles`."""
    return round(RECTIFY * vectors * _tiles(vectors, length, columns) * columns + RECTIFY_START)


def rectify_beside_cycles(vectors: int, length: int, *, columns: int) -> int:
    """Return what ReLU adds to the product that it is made of, by ``tileloom_rectify_beside``.

    All but the last column of tiles are done beside it. Parameters and ValueError as `softmax_cycles`.
    """
    beside = _tiles(vectors, length, columns) - 1
    return round(vectors * columns * (BESIDE * beside + RECTIFY))


def residual_cycles(vectors: int, length: int, *, columns: int) -> int:
    """Return the cycles of ``tileloom_residual``; parameters and ValueError as `softmax_cycles`."""
    return round(RESIDUAL * vectors * _tiles(vectors, length, columns) * columns + RESIDUAL_START)


def _tiles(vectors: int, length: int, columns: int) -> int:
    for value, name in ((vectors, "vectors"), (length, "length"), (columns, "columns")):
        check_positive(value, name)
    return -(-length // columns)
