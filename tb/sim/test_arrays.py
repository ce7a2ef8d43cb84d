"""Reading .npy files: every kind that is wrong is one line, and right ones come in one form."""

import io
import os

import numpy as np
import pytest

from tileloom.errors import UserError
from tileloom_sim.arrays import read_array


@pytest.fixture
def path(tmp_path):
    return tmp_path / "X.npy"


def npy(array) -> bytes:
    """Return an array as numpy.save writes it."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz() -> bytes:
    """Return an archive of two arrays."""
    file = io.BytesIO()
    np.savez(file, a=np.ones(50), b=np.ones(50))
    return file.getvalue()


def header(text: str, version: bytes = b"\1\0") -> bytes:
    """Return a file of this header and eight bytes of elements."""
    size = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + size + text.encode("latin1") + bytes(8)


SHAPED = "{{'descr': '{}', 'fortran_order': False, 'shape': {}}}\n".format
ONES = npy(np.ones((3, 4), np.int8))

WRONG = {
    "nothing": (b"", "not an .npy file of numbers; write it with numpy.save"),
    "text": (b"no array at all", "not an .npy file"),
    "only the magic": (b"\x93NUMPY", "not an .npy file"),
    "half a header": (ONES[:40], "not an .npy file"),
    "a header of noise": (ONES[:10] + os.urandom(118) + ONES[128:], "not an .npy file"),
    "a header of code": (header("__import__('os').abort()\n"), "not an .npy file"),
    "a header of brackets": (header("(" * 5000), "not an .npy file"),
    "a long header": (header(SHAPED("|i1", "(8,)") + " " * 20_000), "not an .npy file"),
    "a long header said": (b"\x93NUMPY\2\0\xff\xff\xff\xff{}", "not an .npy file"),
    "a later version": (b"\x93NUMPY\x09\0" + bytes(200), "version 9.0 of the format"),
    "an absurd shape": (
        header(SHAPED("<f8", "(1000000, 1000000)")),
        "its header says shape (1000000, 1000000)",
    ),
    "a shape beyond words": (header(SHAPED("<f8", f"({10**30}, 2)")), "8 bytes of elements; its header"),
    "a negative shape": (header(SHAPED("|i1", "(-8,)")), "has the shape (-8,)"),
    "negative twice": (header(SHAPED("|i1", "(-2, -4)")), "has the shape (-2, -4)"),
    "a shape of truths": (header(SHAPED("|i1", "(8.0,)")), "not an .npy file"),
    "cut": (ONES[:-5], "7 bytes of elements; its header says shape (3, 4) of int8, 12 bytes"),
    "too long": (ONES + b"x", "13 bytes of elements"),
    "archive": (npz(), "an archive of arrays (.npz); write one array"),
    "cut archive": (npz()[:300], "an archive of arrays (.npz)"),
    "empty archive": (b"PK\5\6" + bytes(18), "an archive of arrays (.npz)"),
    "structured": (npy(np.zeros(3, [("a", "i4"), ("b", "f4")])), "integers or floating-point numbers are"),
    "object": (npy(np.array([None, 1])), "object of shape (2,)"),
    "datetime": (npy(np.zeros(3, "M8[s]")), "datetime64[s] of shape (3,)"),
    "timedelta": (npy(np.zeros(3, "m8[s]")), "timedelta64[s] of shape (3,)"),
    "complex": (npy(np.zeros(3, complex)), "complex128 of shape (3,)"),
    "string": (npy(np.array(["ab", "c"])), "<U2 of shape (2,)"),
    "bytes": (npy(np.array([b"ab", b"c"])), "S2 of shape (2,)"),
    "void": (npy(np.zeros(3, "V5")), "V5 of shape (3,)"),
    "boolean": (npy(np.ones(3, bool)), "bool of shape (3,)"),
    "long double": (npy(np.zeros(3, np.longdouble)), "up to float64"),
    "no elements": (npy(np.zeros((3, 0))), "has shape (3, 0); an array with at least one element"),
    "no dimension": (npy(np.float32(1)), "has shape ()"),
    "NaN": (npy(np.array([[1, 2], [3, np.nan]])), "element [1, 1] is NaN"),
    "infinity": (npy(np.array([[1, -np.inf]], np.float16)), "element [0, 1] is -inf"),
    "beyond INT64": (
        npy(np.array([5, 2**63], np.uint64)),
        "element [1] is 9223372036854775808, beyond INT64",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("error")
def test_one_line_says_what_is_wrong(path, name):
    content, expected = WRONG[name]
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_array(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and expected in message, message
    assert "\n" not in message and len(message) < len(str(path)) + 200


def test_where_integers_are_needed(path):
    np.save(path, np.ones((2, 5)))
    with pytest.raises(UserError, match=r"float64 of shape \(2, 5\); integers are needed"):
        read_array(path, floats=False)


def test_dimensions(path):
    np.save(path, np.ones(5))
    with pytest.raises(UserError, match=r"has shape \(5,\); a matrix is needed"):
        read_array(path, dimensions=2)
    assert read_array(path).shape == (5,)


def test_no_file(path, tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_array(path)
    with pytest.raises(UserError, match="Is a directory"):
        read_array(tmp_path)


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i2", ">u4", "<i8", ">u8", "<f2", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_byte_order_and_layout(path, rng, dtype, order):
    array = np.asarray(rng.integers(0, 100, (3, 4, 5)), dtype, order=order)
    np.save(path, array)
    found = read_array(path)
    assert np.array_equal(found, array) and found.shape == (3, 4, 5)
    assert found.dtype.isnative and found.flags.c_contiguous and found.flags.writeable


def test_the_largest_int64_is_right(path):
    np.save(path, np.array([2**63 - 1], np.uint64))
    assert read_array(path)[0] == 2**63 - 1
