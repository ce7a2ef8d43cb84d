"""The driver in C as a library of this process, for ctypes."""

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from ctypes import POINTER, Structure, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tileloom
from tileloom.driver.bus import Bus
from tileloom.engine.config import EngineConfig
from tileloom.systolic.config import SystolicConfig

FLAGS = [
    "-std=c99",
    "-O1",
    "-Werror",
    *("-W" + name for name in ("all", "extra", "pedantic", "conversion", "sign-conversion", "shadow")),
    *("-W" + name for name in ("cast-qual", "strict-prototypes", "missing-prototypes")),
]


HOOKS = """
#include <stdint.h>
extern uint32_t (*bus_read)(uintptr_t);
extern void (*bus_write)(uintptr_t, uint32_t);
#define TILELOOM_READ(address) bus_read(address)
#define TILELOOM_WRITE(address, word) bus_write(address, word)
"""
"""Accesses go to functions of this process."""


@cache
def sources(config: EngineConfig | SystolicConfig) -> Mapping[str, str | bytes]:
    """Return what ``tileloom generate --name block`` writes beside the Verilog."""
    return tileloom.generate(config, name="block").sources


def write_sources(config: EngineConfig | SystolicConfig, folder: Path) -> list[str]:
    """Write what is for C; return the names of the .c files."""
    files = sources(config)
    for name, text in files.items():
        if name.endswith((".c", ".h")):
            (folder / name).write_text(str(text))
    return sorted(name for name in files if name.endswith(".c"))


class Built(Structure):
    """``struct tileloom_engine_built``."""

    NUMBERS = (
        *("version", "m", "k", "n", "bus_bits", "burst_beats", "address_bits", "a_words", "acc_tiles"),
        *("weight_beats", "activation_bits", "activation_exponent", "weight_bits", "weight_exponent"),
        *("sum_bits", "sum_exponent", "result_bits", "result_exponent"),
    )
    FLAGS = ("systolic", "requantise", "half_even", "result_zero_point", "activation_mask")
    _fields_ = [*((name, c_uint32) for name in NUMBERS), *((name, c_bool) for name in FLAGS)]


class Engine(Structure):
    """``struct tileloom_engine``."""

    _fields_ = [("base", c_void_p), ("built", Built), ("interrupts", c_bool), ("events", c_uint32)]


class Layer(Structure):
    """``struct tileloom_engine_layer``."""

    SIZES = (
        *("height", "width", "channels", "outputs", "kernel_height", "kernel_width", "stride"),
        *("pad_top", "pad_bottom", "pad_left", "pad_right"),
    )
    _fields_ = [*((name, c_uint32) for name in SIZES), ("relu", c_bool)]


class Memory(Structure):
    """``struct tileloom_engine_memory``."""

    _fields_ = [("bytes", c_void_p), ("address", c_uint64), ("size", c_uint64)]


class Program(Structure):
    """``struct tileloom_engine_program``."""

    _fields_ = [
        *(("built", Built), ("layer", Layer), ("activations", c_void_p), ("results", c_void_p)),
        *(("start", c_uint64), ("size", c_uint64), ("blocks_skipped", c_uint32)),
    ]


def compiled(config: EngineConfig | SystolicConfig, folder: Path, *more: str) -> Any:
    """Return the driver compiled for this machine, which ends the process where behaviour is undefined."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    sources = [name for name in write_sources(config, folder) if not name.endswith("_linux.c")]
    checked = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command = [compiler, *FLAGS, *checked, "-shared", "-fPIC", *more, *sources, "-o", "driver.so"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "driver.so"))


def load(config: EngineConfig, folder: Path) -> Any:
    """Return the driver of engines."""
    library = compiled(config, folder)
    library.tileloom_engine_text.restype = c_char_p
    library.tileloom_engine_text.argtypes = [c_int]
    library.tileloom_engine_open.argtypes = [POINTER(Engine), c_void_p]
    library.tileloom_engine_start.argtypes = [POINTER(Engine), c_uint64]
    library.tileloom_engine_wait.argtypes = [POINTER(Engine), c_uint32]
    library.tileloom_engine_column.argtypes = [c_uint32, ctypes.c_uint16, ctypes.c_uint8, ctypes.c_int8]
    library.tileloom_engine_column.restype = c_uint64
    library.tileloom_engine_lay_out.argtypes = [
        *(POINTER(Built), POINTER(Layer), c_void_p, c_void_p, POINTER(Memory), POINTER(Program))
    ]
    library.tileloom_engine_put_activations.argtypes = [POINTER(Program), c_void_p]
    library.tileloom_engine_get_results.argtypes = [POINTER(Program), c_void_p]
    return library


class ArrayBuilt(Structure):
    """``struct tileloom_systolic_built``."""

    NUMBERS = (
        *("version", "rows", "columns", "multiply_stages", "add_stages", "step_interval", "broadcast"),
        *("latency_cycles", "activation_bits", "activation_exponent", "weight_bits", "weight_exponent"),
        *("sum_bits", "sum_exponent"),
    )
    FLAGS = ("nearest_even", "double_buffer", "carry_save", "gate_zeros")
    _fields_ = [*((name, c_uint32) for name in NUMBERS), *((name, c_bool) for name in FLAGS)]


class Array(Structure):
    """``struct tileloom_systolic``."""

    _fields_ = [("base", c_void_p), ("built", ArrayBuilt), ("interrupts", c_bool), ("events", c_uint32)]


class ArrayJob(Structure):
    """``struct tileloom_systolic_job``."""

    _fields_ = [
        *(("vectors", c_uint32), ("tiles", ctypes.c_uint16), ("psum_in", c_bool), ("keep_weights", c_bool))
    ]


class ArrayFault(Structure):
    """``struct tileloom_systolic_fault``."""

    _fields_ = [
        *((name, c_bool) for name in ("last_early", "last_missing", "not_finite", "overflow")),
        *(("stream", c_int), ("tile", c_uint32), ("vector", c_uint32)),
    ]


class ArrayCounters(Structure):
    """``struct tileloom_systolic_counters``."""

    _fields_ = [(name, c_uint32) for name in ("cycles", "busy_cycles", "stalls_in", "stalls_out", "results")]


def load_array(config: SystolicConfig, folder: Path, bus: Bus) -> tuple[Any, Any]:
    """Return the driver of arrays, whose accesses are a bus's; and what must live as long as it is used."""
    (folder / "hooks.h").write_text(HOOKS)
    (folder / "hooks.c").write_text(
        "uint32_t (*bus_read)(uintptr_t);\nvoid (*bus_write)(uintptr_t, uint32_t);\n"
    )
    library = compiled(config, folder, "-include", "hooks.h", "hooks.c")
    read = ctypes.CFUNCTYPE(c_uint32, c_size_t)(lambda at: int.from_bytes(bus.read(at, 4), "little"))
    write = ctypes.CFUNCTYPE(None, c_size_t, c_uint32)(
        lambda at, word: bus.write(at, word.to_bytes(4, "little"))
    )
    for name, function in (("bus_read", read), ("bus_write", write)):
        c_void_p.in_dll(library, name).value = ctypes.cast(function, c_void_p).value
    library.tileloom_systolic_text.restype = c_char_p
    library.tileloom_systolic_open.argtypes = [POINTER(Array), c_size_t]
    library.tileloom_systolic_start.argtypes = [POINTER(Array), POINTER(ArrayJob)]
    library.tileloom_systolic_wait.argtypes = [POINTER(Array), c_uint32]
    library.tileloom_systolic_reset.argtypes = [POINTER(Array), c_uint32]
    library.tileloom_systolic_fault.argtypes = [POINTER(Array)]
    library.tileloom_systolic_count.argtypes = [POINTER(Array)]
    library.tileloom_systolic_fault.restype = ArrayFault
    library.tileloom_systolic_count.restype = ArrayCounters
    return library, (read, write)
