"""What describes a family's registers: the page, the C header, IP-XACT and HTML say what the hardware has."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tileloom
from tileloom.engine.axi.registers import register_map as engine_map
from tileloom.families import load
from tileloom.registers.table import Kind, table
from tileloom.systolic.registers import register_map as array_map

PAGE = Path(__file__).parents[2] / "docs" / "registers.md"
COMMON = "What all families have"
ENGINE = load("engine-int8-axi4", wrapper="axi4", address_bits=64)
GRID = load("engine-int8-2x2-axi4", wrapper="axi4", address_bits=64)
ARRAY = load("stream-8x8-int8", wrapper="axi4", rows=5, columns=3)
FAMILIES = {"Systolic array": (array_map, ARRAY), "Block-sparse engine": (engine_map, GRID)}
USES = {
    "Systolic array": (
        ARRAY,
        "offsetof(tileloom_systolic_t, RESULTS) != 0x40"
        " || TILELOOM_SYSTOLIC__SIZE__ROWS_reset != 5 || TILELOOM_SYSTOLIC__SIZE__COLUMNS_bp != 8",
    ),
    "Block-sparse engine": (
        ENGINE,
        "offsetof(tileloom_engine_t, BLOCKS_SKIPPED) != 0x40"
        " || TILELOOM_ENGINE__TILE__K_reset != 8 || TILELOOM_ENGINE__TILE__K_bp != 8",
    ),
}
ACCESS = {
    "r": (Kind.CONSTANT, Kind.INPUT, Kind.COUNTER),
    "rw": (Kind.VALUE,),
    "w": (Kind.PULSE,),
    "w1c": (Kind.EVENT,),
}


def said(section: str) -> list[tuple[int, int, int, str, str]]:
    """Return address, lowest and highest bit, port and access of every field in a section of the page."""
    (text,) = re.findall(rf"^## {section}$(.*?)(?=^## )", PAGE.read_text(), re.M | re.S)
    rows = re.findall(r"^\| (0x\w+)? ?\| (\w+)? ?\| (\d+)(?::(\d+))? \| (\w+) \| (\w+) \|", text, re.M)
    found = []
    register, address = "", 0
    for place, name, high, low, field, access in rows:
        if name:
            register, address = name, int(place, 16)
        found.append((address, int(low or high), int(high), f"{register}_{field}".lower(), access))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_page_has_the_map(family: str) -> None:
    """Every address, bit, name and access of docs/registers.md is the description's, and none is missing."""
    register_map, config = FAMILIES[family]
    made = [
        (register.address, field.low, field.low + field.width - 1, field.port, field.kind)
        for register in table(register_map(config)).registers
        for field in register.fields
    ]
    for row, field in zip(
        sorted(said(COMMON) + said(family)), sorted(made, key=lambda f: f[:2]), strict=True
    ):
        assert row[:4] == field[:4]
        assert field[4] in ACCESS[row[4]]


@pytest.mark.parametrize("family", USES)
def test_the_header_compiles(family: str, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    config, wrong = USES[family]
    design = tileloom.generate(config)
    (tmp_path / "block.h").write_text(str(design.sources[f"{design.name}.h"]))
    (tmp_path / "use.c").write_text(
        f'#include "block.h"\n#include <stddef.h>\nint main(void) {{ return {wrong}; }}\n'
    )
    command: list[Any] = [compiler, "-Wall", "-Wextra", "-Werror", "-std=c11", "use.c", "-o", "use"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run(["./use"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("config", [ARRAY, ENGINE], ids=list(FAMILIES))
def test_generate_writes_the_documents(config: Any) -> None:
    design = tileloom.generate(config)
    assert {f"{design.name}{end}" for end in (".h", ".xml", "_html/index.html")} <= design.sources.keys()
    assert "INTERRUPT_STATUS" in str(design.sources[f"{design.name}.xml"])
