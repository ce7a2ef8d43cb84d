"""Cycles that the array's C library takes to make weights of activations, on CV32E40P with its FPU.

The inner loops are counted, an instruction a cycle: 2.5 of each word to find the largest, and 73 of 16 words
to quantise and pack them. What stands around them is RTL, by least squares over 24 matrices on 4 x 4, 4 x 8
and 8 x 8. ``tb/systolic/test_computed.py`` holds the whole to within 1 % of RTL, single-cycle memory.
"""

from ..checks import check_positive

WORD = 2.5 + 73 / 16
START, TURNED = 88.7, 78
"""Of a matrix, as it is and turned."""
FOUR, TILE, FURTHER, COLUMN = 6.94, 24, 32.4, 5
"""Turned: of four vectors of a tile; of a tile, the first of its vectors and a further one; and of a column
of tiles."""

BESIDE_START, BESIDE_WORD, COMMAND = 220, 1.27, 6
"""Beside a product, what the array waits as the core is at the memory: once, for each word, and for each
command of the product. On a square array with a port of 128 bits, by RTL of 8 x 8."""


def quantise_cycles(vectors: int, length: int, *, rows: int, columns: int, turned: bool) -> int:
    """Return the cycles of ``tileloom_quantise``.

    Parameters
    ----------
    vectors, length:
        Of the matrix that becomes weights; where they are no multiples of the array's they are filled up.
    rows, columns:
        Of the array.
    turned:
        Its transpose becomes weights.

    Raises
    ------
    ValueError
        A number is not positive.
    """
    numbers = {"vectors": vectors, "length": length, "rows": rows, "columns": columns}
    for name, value in numbers.items():
        check_positive(value, name)
    down = columns if turned else rows
    vectors, length = -(-vectors // down) * down, -(-length // columns) * columns
    words = vectors * length
    if not turned:
        return round(START + WORD * words)
    tiles, first = words // (rows * columns), words // columns**2
    cycles = TURNED + WORD * words + FOUR * tiles * columns / 4 + COLUMN * (vectors // columns)
    return round(cycles + TILE * first + FURTHER * (tiles - first))


def quantise_beside_cycles(words: int, commands: int) -> int:
    """Return what ``tileloom_quantise_beside`` adds to a product of so many commands, long enough for it.

    Parameters
    ----------
    words:
        Of all matrices.
    commands:
        Tiles of the product.

    Raises
    ------
    ValueError
        A number is not positive.
    """
    for value, name in ((words, "words"), (commands, "commands")):
        check_positive(value, name)
    return round(BESIDE_START + BESIDE_WORD * words + COMMAND * commands)
