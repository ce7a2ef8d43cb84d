"""Ready-made systolic arrays."""

from __future__ import annotations

from ..families import Family, Preset
from .config import SystolicConfig


def _sasp(size: int, weight: str) -> Preset:
    """Return the paper's instance of this size: word port, truncation (SASP)."""
    summary = f"SASP's, FP32 x {weight.upper()}: 32-bit word port, truncation"
    return Preset(summary, {"rows": size, "columns": size, "weight": weight, "port": "word"})


def _coprocessor(host: str, where: str, **others: int) -> Preset:
    """Return the paper's 8 x 8 array as a functional unit, with double buffering."""
    fields = {**_sasp(8, "int8").fields, "double_buffer": True, "host": host, **others}
    return Preset(f"SASP's 8 x 8 FP32 x INT8 as a functional unit {where}", fields)


def _stream(activation: str, weight: str) -> Preset:
    """Return an 8 x 8 array that takes a vector a cycle and never waits for weights."""
    summary = f"{activation.upper()} x {weight.upper()}: a vector a cycle, double-buffered"
    fields = {"rows": 8, "columns": 8, "activation": activation, "weight": weight, "double_buffer": True}
    return Preset(summary, fields)


FAMILY = Family(
    name="systolic",
    title="systolic array",
    config=SystolicConfig,
    presets={
        **{f"sasp-{n}x{n}-{w}": _sasp(n, w) for n in (4, 8, 16, 32) for w in ("fp32", "int8")},
        "sasp-cv-x-if": _coprocessor("cv-x-if", "on CV-X-IF; simulated on CV32E40X"),
        "sasp-cv32e40p": _coprocessor("cv32e40p", "of CV32E40P, beside its FPU"),
        "sasp-cv32e40p-memory": _coprocessor("cv32e40p", "of CV32E40P, fetching by itself", memory_bits=128),
        "sasp-cv32e40p-accumulators": _coprocessor("cv32e40p", "of CV32E40P, with sums", accumulators=1024),
        "stream-8x8-fp32": _stream("fp32", "fp32"),
        "stream-8x8-int8": _stream("fp32", "int8"),
        "stream-8x8-bf16-int8": _stream("bf16", "int8"),
        "stream-8x8-fp16": _stream("fp16", "fp16"),
    },
)
