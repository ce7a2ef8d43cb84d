"""Packing of words into bus words: weights for the 32-bit word port, vectors for the stream ports.

The two differ on purpose. A row of weights goes out first weight first, in the most significant field,
as SASP packs four INT8 weights to a word (Palacios et al., "Systolic Arrays and Structured Pruning
Co-design for Efficient Transformers in Edge Systems"). A stream's payload is a vector with element 0 in
the least significant bits, as Verilog and AXI4-Stream number them.
"""

import numpy as np
import numpy.typing as npt
from bitstring import Array

from ..checks import Words, check_integers, check_ndim, check_positive, refuse


def words_per_row(columns: int, width: int, word_bits: int = 32) -> int:
    """Return how many bus words a row of weights takes.

    Raises
    ------
    ValueError
        `columns` or `width` is not positive, or a weight is wider than a word or than 64 bits.
    """
    check_positive(columns, "columns")
    return -(-columns // _per_word(width, word_bits))


def pack_weights(tile: npt.ArrayLike, width: int, word_bits: int = 32) -> Words:
    """Pack a tile of weights into bus words.

    Row 0 goes first, and each row begins a new word. A word holds word_bits // width weights, the first
    in its most significant bits; bits that hold no weight are zero.

    Parameters
    ----------
    tile:
        R x C words of any integer dtype.
    width:
        Bits of a weight.
    word_bits:
        Bits of a bus word, at most 64.

    Returns
    -------
    Words
        R * words_per_row(C, width, word_bits) bus words (uint64), in the order of transfer.

    Raises
    ------
    ValueError
        Not an integer dtype, not two-dimensional, empty, a weight that does not fit `width` bits (the message
        has its index), or widths that `words_per_row` refuses.
    """
    words = _fields(tile, width, "tile")
    check_ndim(words, 2, "tile")
    rows, columns = words.shape
    check_positive(rows, "rows")
    per_word = _per_word(width, word_bits)
    padding = words_per_row(columns, width, word_bits) * per_word - columns
    padded = np.pad(words, ((0, 0), (0, padding)))
    packed = Array(f"uint{width}", padded.reshape(-1).tolist())
    packed.dtype = f"uint{per_word * width}"  # the same bits, read as the weights of a word
    return np.left_shift(np.array(packed.tolist(), np.uint64), np.uint64(word_bits - per_word * width))


def unpack_weights(words: npt.ArrayLike, rows: int, columns: int, width: int, word_bits: int = 32) -> Words:
    """Return the R x C tile of weight words (uint64) that `pack_weights` packed.

    Parameters
    ----------
    words:
        Bus words of any integer dtype, one-dimensional.
    rows:
        Of the tile.
    columns:
        Of the tile.
    width:
        Bits of a weight.
    word_bits:
        Bits of a bus word, at most 64.

    Raises
    ------
    ValueError
        Not an integer dtype, a word that does not fit (the message has its index), not as many words as the
        tile takes, or widths that `words_per_row` refuses.
    """
    check_positive(rows, "rows")
    per_word = _per_word(width, word_bits)
    bus = _fields(words, word_bits, "words")
    expected = rows * words_per_row(columns, width, word_bits)
    if bus.shape != (expected,):
        raise ValueError(f"words has shape {bus.shape}, and a {rows} x {columns} tile takes ({expected},)")
    used = per_word * width
    packed = Array(f"uint{used}", (bus >> (word_bits - used)).tolist())
    packed.dtype = f"uint{width}"
    return np.array(packed.tolist(), np.uint64).reshape(rows, -1)[:, :columns].copy()


def pack_vector(elements: npt.ArrayLike, width: int, bus_bits: int | None = None) -> int:
    """Pack a vector into the payload of one stream transfer.

    Parameters
    ----------
    elements:
        Words of any integer dtype, one-dimensional.
    width:
        Bits of an element.
    bus_bits:
        Bits of the payload, where it is wider than the elements; the bits above them are zero.

    Returns
    -------
    int
        The payload, element 0 in its least significant bits.

    Raises
    ------
    ValueError
        Not an integer dtype, not one-dimensional, an element that does not fit `width` bits (the message has
        its index), or more elements than `bus_bits` hold.
    """
    words = _fields(elements, width, "elements")
    check_ndim(words, 1, "elements")
    if bus_bits is not None and words.size * width > bus_bits:
        raise ValueError(f"elements has {words.size} x {width} bits, and the bus has {bus_bits}")
    if not words.size:
        return 0
    return int(Array(f"uint{width}", words[::-1].tolist()).data.uint)


def unpack_vector(payload: int, count: int, width: int) -> Words:
    """Return the `count` elements (uint64) of a payload, element 0 from its least significant bits.

    Raises
    ------
    ValueError
        `count` is not positive, `width` not 1 to 64, or the payload does not fit count * width bits.
    """
    check_positive(count, "count")
    _check_width(width)
    if not 0 <= payload < 1 << (count * width):
        raise ValueError(f"payload {payload:#x} does not fit {count} x {width} bits")
    packed = Array(f"uint{count * width}", [payload])
    packed.dtype = f"uint{width}"
    return np.array(packed.tolist()[::-1], np.uint64)


def _check_width(width: int) -> None:
    """Raise ValueError unless the width is 1 to 64 bits."""
    if not 1 <= width <= 64:
        raise ValueError(f"width is {width}, not 1 to 64")


def _per_word(width: int, word_bits: int) -> int:
    """Return how many weights a bus word holds, having checked both widths."""
    _check_width(width)
    if not width <= word_bits <= 64:
        raise ValueError(f"word_bits is {word_bits}, not {width} (a weight) to 64")
    return word_bits // width


def _fields(values: npt.ArrayLike, width: int, name: str) -> Words:
    """Return values as uint64, having checked that they fit an unsigned field of `width` bits."""
    _check_width(width)
    array = check_integers(values, name)
    outside = array < 0
    if width < 64:
        outside |= array.astype(np.uint64) >> width != 0
    refuse(outside, name, f"does not fit {width} bits")
    return array.astype(np.uint64)
