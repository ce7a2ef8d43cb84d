"""Configurations, the encoding, and the C header made from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tileloom.errors import ConfigError
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import encode_decimate, intrinsics_header
from tileloom_golden.xfu import xdecimate as golden

from .test_unit import fields


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"group_sizes": (4, 5)}, "group_sizes: must be some of 4, 8 and 16, not 5"),
        ({"group_sizes": ()}, "group_sizes: must be some of 4, 8 and 16, not none"),
        ({"group_sizes": (8, 8)}, "group_sizes: names one twice: 8, 8"),
        ({"group_sizes": "8"}, "group_sizes: must be a list of whole numbers"),
        ({"id_width": 1}, "id_width: must be from 2 to 8, not 1"),
        ({"id_width": True}, "id_width: must be a whole number, not true"),
    ],
)
def test_bad_configurations_name_the_field(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        XfuConfig(**values)


def test_encoding_refuses_what_there_is_not() -> None:
    with pytest.raises(ValueError, match="group_size: must be 4, 8 or 16, not 5"):
        encode_decimate(5, 1, 2, 3)
    with pytest.raises(ValueError, match="rs2: must be a register from 0 to 31, not 32"):
        encode_decimate(4, 1, 2, 32)


PROGRAM = """
#include "xdecimate.h"
uint32_t all(uint32_t rd, const int8_t *base, uint32_t offsets) {
    xdecimate_clear();
    rd = xdecimate_4(rd, base, offsets);
    rd = xdecimate_8(rd, base, offsets);
    rd = xdecimate_16(rd, base, offsets);
    return rd + xdecimate_counter(5);
}
"""


def test_intrinsics_compile_to_the_encoding(tmp_path: Path) -> None:
    """Clang for RISC-V takes the header, and the words that it makes decode as what was asked for."""
    (tmp_path / "xdecimate.h").write_text(intrinsics_header())
    (tmp_path / "all.c").write_text(PROGRAM)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none"]
    command += ["-mcpu=generic_rv32+m", "-O2", "-Wall", "-Wextra", "-Werror", "-std=c11"]
    subprocess.run(
        [*command, "-Wno-unused-command-line-argument", "-c", "all.c", "-o", "all.o"],
        cwd=tmp_path,
        check=True,
        timeout=300,
    )
    image = (tmp_path / "all.o").read_bytes()
    words = [int.from_bytes(image[at : at + 4], "little") for at in range(0, len(image) - 3, 2)]
    found = [golden.decode(**fields(word)) for word in words if word & 0x707F == 0x602B]
    assert [type(item) for item in found] == [golden.SwapCounter, *[golden.Decimate] * 3, golden.SwapCounter]
    assert found[0] == golden.SwapCounter(0, 0)
    assert [item.m for item in found if isinstance(item, golden.Decimate)] == [4, 8, 16]


def test_header_of_a_unit_for_one_size_has_its_intrinsics_alone() -> None:
    header = intrinsics_header(XfuConfig(group_sizes=(8,)))
    assert "xdecimate_8(" in header and "xdecimate_counter(" in header
    assert "xdecimate_4(" not in header and "xdecimate_16(" not in header
