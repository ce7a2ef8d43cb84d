"""docs/boards.md has the tables that ``benchmarks/fpga.py --report docs/boards.json`` prints."""

from pathlib import Path

import pytest

from tileloom.errors import UserError
from tileloom_synth.fpga.figures import Figures, read_figures, report

ROOT = Path(__file__).parents[1]
LARGE = {"lut": 90_000, "flip_flops": 9_000, "dsp": 256, "ram": 0}
SMALL = {"lut": 9_000, "flip_flops": 900, "dsp": 32, "ram": 0}


def row(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"| {start} |")]


def test_the_page_has_each_table() -> None:
    page = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
    tables = report(read_figures(ROOT / "docs" / "boards.json")).split("\n\n")
    assert len(tables) == 5
    for table in tables:
        assert table in page, table


def test_counts_say_what_does_not_fit_and_no_more() -> None:
    """More LUTs than there are, by far, or by a little; more products than DSP blocks."""
    by_family = {"ECP5": LARGE, "iCE40 UltraPlus": SMALL, "7 series": SMALL}
    told = report(Figures({f"{family} sasp-4x4-int8": used for family, used in by_family.items()}))
    ecp5, ice40, series7 = row(told, "`sasp-4x4-int8`")
    assert ecp5.endswith("| 90,000 | 9,000 | 256 | 0 |  | no: LUTs 371% |")
    assert ice40.endswith("| 0 | no: LUTs 170% |")
    assert series7.endswith("| 0 | fits |")


def test_what_was_measured_goes_before_counts() -> None:
    case = {
        "board": "orangecrab",
        "target_mhz": 50,
        "used": SMALL | {"dsp": 28},
        "available": {"lut": 24_288, "flip_flops": 24_288, "dsp": 28, "ram": 56},
        "products": {"DSP blocks": 12, "LUTs": 2, "DSP blocks and LUTs": 2},
        "fits": True,
        "timing": {"fmax_mhz": 61.26, "period_ps": 20_000, "tool": "nextpnr"},
    }
    figures = Figures({"ECP5 sasp-4x4-int8": SMALL}, {"orangecrab sasp-4x4-int8": case})
    told = report(figures)
    assert row(told, "`sasp-4x4-int8`")[0].endswith("| fits | 61.3 MHz |")
    (one,) = row(told, "sasp-4x4-int8")
    assert one.endswith("| `orangecrab` | 9,000 | 900 | 28 | 0 | 4 | 61.3 MHz | 50 |")
    case |= {"fits": False, "timing": None, "used": SMALL | {"lut": 30_000}}
    assert row(report(figures), "`sasp-4x4-int8`")[0].endswith("| no: LUTs 124% |")
    case |= {"used": SMALL, "packed": {"TRELLIS_COMB": {"used": 25_000, "available": 24_288}}}
    told = row(report(figures), "sasp-4x4-int8")[0]
    assert told.endswith("| 4 | no: 25,000 TRELLIS_COMB of 24,288 | 50 |")


def test_a_build_is_told_with_its_time() -> None:
    used = {"LUT4": 1_000, "DSP (18 x 18)": 2, "block RAM (18 kbit)": 3, "flip-flops": 400}
    cells = {what: {"used": number, "available": 4_000} for what, number in used.items()}
    build = {
        "clock_hz": 80e6,
        "fmax_mhz": 81.23,
        "cells": cells,
        "seconds": {"a": 60.0, "b": 1.2},
        "processor_seconds": 59,
    }
    told = report(Figures(builds={"ulx3s-85f x": build}))
    assert row(told, "ulx3s-85f x")[0].endswith("| 1,000 | 400 | 2 | 3 | 81.2 for 80 | 61 | 59 |")


def test_figures_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    assert read_figures(path) == Figures()
    Figures(counts={"ECP5 x": SMALL}).write(path)
    assert read_figures(path).counts["ECP5 x"] == SMALL
    path.write_text('{"other": 1}')
    with pytest.raises(UserError, match=r"is not what benchmarks/fpga\.py --keep writes"):
        read_figures(path)
