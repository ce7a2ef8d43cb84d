"""The library in C: INT8 layers for cores with xDecimate, and all that compiling it takes."""

from __future__ import annotations

from pathlib import Path

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import intrinsics_header

from ...riscv.compile import PROGRAMS as STARTED

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "programs"

SOURCES = ("convolution.c", "pooling.c", "transformer.c")
"""What is compiled."""

HEADERS = ("tileloom_nn.h", "requantise.h", "lines_corev.h", "lines_plain.h")
SHARED = ("window.h", "im2col.h", "loops_corev.h", "loops_plain.h")


def library_files(config: XfuConfig | None = None) -> dict[str, str]:
    """Return the text of every file of the library, by name.

    Parameters
    ----------
    config:
        The unit whose instructions there are, by default all. The kernels need those of every M.
    """
    files = {name: (HERE / name).read_text() for name in (*SOURCES, *HEADERS)}
    files |= {name: (PROGRAMS / name).read_text() for name in SHARED}
    return files | {
        "corev.h": (STARTED / "corev.h").read_text(),
        "xdecimate.h": intrinsics_header(config),
    }
