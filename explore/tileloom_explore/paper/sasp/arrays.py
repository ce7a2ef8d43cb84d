"""The arrays of the SASP paper: each size with each kind of weights."""

SIZES = (4, 8, 16, 32)
"""Rows, and columns."""

WEIGHTS = ("fp32", "int8")
"""Of FP32 x FP32 elements, and of FP32 x INT8."""
