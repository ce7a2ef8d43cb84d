"""Verilator's linter and Icarus say nothing about what is generated: presets, and odd configurations."""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tileloom
from tileloom.design import Design
from tileloom.export import HEADER
from tileloom.families import families
from tileloom.netlist.text import split_modules
from tileloom.xfu.cv32e40p.stages import PREFIX
from tileloom_sim.build.toolchain import verilator

HOSTS = (
    "sasp-cv-x-if",
    "sasp-4x4-int8 rows=3 columns=5 host=unit add_stages=2",
    "sasp-4x4-int8 rows=3 columns=5 host=unit double_buffer=true memory_bits=64",
    "sasp-4x4-int8 host=unit double_buffer=true memory_bits=32",
    "sasp-4x4-int8 rows=3 columns=2 host=cv-x-if accumulators=7",
)
SYSTOLIC = (
    *(name for name in families()["systolic"].presets if not name.startswith("sasp-cv")),
    *HOSTS,
    "stream-8x8-int8 rows=1 columns=1",
    "stream-8x8-int8 rows=1 columns=7",
    "stream-8x8-int8 rows=7 columns=1 double_buffer=false",
    "stream-8x8-int8 rows=5 columns=3 rounding=nearest-even",
    "stream-8x8-int8 rows=4 columns=4 step_interval=3",
    "stream-8x8-int8 rows=4 columns=4 step_interval=4",
    "stream-8x8-fp32 rows=3 columns=2 multiply_stages=2 carry_save=true add_stages=4",
    "stream-8x8-int8 rows=3 columns=2 multiply_stages=2 carry_save=true add_stages=2 rounding=nearest-even",
    "stream-8x8-int8 rows=3 columns=2 multiply_stages=3 add_stages=3 activation=bf16 accumulator=fp16",
    "stream-8x8-int8 rows=2 columns=2 activation=e4m3 weight=e5m2 accumulator=fp16 add_stages=2",
    "stream-8x8-int8 rows=2 columns=9 activation=fp16 weight=int4 axi4_stream_names=true",
    "stream-8x8-int8 rows=2 columns=3 wrapper=axi4",
    "stream-8x8-fp16 rows=1 columns=1 wrapper=axi4 step_interval=1",
    "sasp-4x4-int8 rows=1 columns=1",
    "sasp-4x4-int8 rows=5 columns=3 weight=int4 axi4_stream_names=true",
)
ENGINE = (
    *families()["engine"].presets,
    "engine-int8 m=1 k=3 n=5 bus=64",
    "engine-int8 m=16 k=2 n=2 drain_rows=4 bus=64",
    "engine-int8 m=1 k=1 n=1 a_words=1 acc_tiles=1 weight_beats=1",
    "engine-int8 m=2 k=7 n=3 activation_mask=true product_register=true requantise=false",
    "engine-int8 m=2 k=3 n=3 axi4_stream_names=true bus=64",
    "engine-int8 m=1 k=2 n=2 requantise_rounding=half-even result_zero_point=true",
    "engine-int8-axi4 m=1 k=4 n=2 activation_mask=true bus=64",
    "engine-int8-axi4 m=2 k=4 n=4 address_bits=64 burst_beats=1",
    "engine-fp32-int8 k=3 n=2 bus=64",
)
XFU = tuple(
    f"{preset} group_sizes={sizes}{errors}"
    for preset in ("xfu-unit", "xfu-cv-x-if")
    for sizes in ("4", "8", "16", "4,8,16")
    for errors in ("", " precise_errors=false")
    if preset == "xfu-cv-x-if" or not errors
)
CLUSTER = (
    "cluster-1 banks=1 l1_bytes=1024 dma_lanes=1 l2_latency=1",
    "cluster-8 cores=3 banks=64 l1_bytes=1024 dma_lanes=4 l2_latency=3",
    "cluster-8",
)


def generated(configuration: str) -> Design:
    """Return the design of a preset and overrides, as ``preset field=value ...``."""
    preset, *overrides = configuration.split()
    return tileloom.generate(tileloom.load(preset, **dict(text.split("=") for text in overrides)))


def _check(design: Design, folder: Path) -> None:
    file = folder / f"{design.name}.v"
    file.write_text(design.verilog, encoding="utf-8")
    tool = verilator()
    lint = [str(tool.executable), "--lint-only", "-Wall", "--quiet", "--top-module", design.name, str(file)]
    assert _run(lint, {"VERILATOR_ROOT": str(tool.root)}) == ""
    # The only waiver is the one that the header explains.
    assert re.findall(r"lint_off (\w+)", design.verilog) == ["DECLFILENAME"]
    assert "[-1:0]" not in design.verilog
    if icarus := shutil.which("iverilog"):
        check = [icarus, "-Wall", "-g2012", "-s", design.name, "-o", str(folder / "out"), str(file)]
        assert _run(check, {}) == ""


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


LATER = [
    *(name for name in families()["systolic"].presets if not name.endswith("8x8-int8")),
    *("engine-int8", "engine-fp32", "engine-fp32-int8"),
    "engine-int8-axi4 m=1 k=4 n=2 activation_mask=true bus=64",
]
"""Of the same modules as others, or large ones."""


@pytest.mark.parametrize(
    "configuration",
    [
        *(name for name in [*SYSTOLIC, *ENGINE, *XFU, *CLUSTER[:1]] if name not in LATER),
        *(pytest.param(name, marks=pytest.mark.long) for name in (*LATER, *CLUSTER[1:])),
    ],
)
def test_the_linters_say_nothing(configuration: str, tmp_path: Path) -> None:
    """And every port of the manifest is one in Verilog, of the width that it says."""
    design = generated(configuration)
    _check(design, tmp_path)
    top = design.verilog.partition("endmodule")[0]
    ports = {
        name: int(high or 0) + 1
        for high, name in re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE)
    }
    for port in design.manifest["ports"]:
        if configuration in (*XFU, *HOSTS, *CLUSTER):
            assert port["width"] == ports[port["name"]]
            continue
        assert port["elements"] * port["element_width"] <= ports[port["signals"]["data"]]
        assert set(port["signals"].values()) <= ports.keys()
    for channel in design.manifest.get("master", {}).values():
        assert channel.items() <= ports.items()


@pytest.mark.parametrize("sizes", ["4,8,16", "8"])
@pytest.mark.parametrize("stage", ["decode", "execute", "merge"])
def test_nor_of_what_is_added_to_a_core(sizes: str, stage: str, tmp_path: Path) -> None:
    """Its registers have the core's asynchronous reset."""
    unit = generated(f"xfu-cv32e40p group_sizes={sizes}")
    top = f"{PREFIX}_{stage}"
    modules = [text for name, text in split_modules(unit.verilog).items() if name.startswith(top)]
    _check(dataclasses.replace(unit, name=top, verilog=HEADER + "".join(modules)), tmp_path)
