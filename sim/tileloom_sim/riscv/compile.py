"""C and assembly to a program for the system, with the Clang of the wheel ziglang: nothing else to install.

Programs are freestanding: ``programs/crt0.S`` starts ``main`` and ends the program with what it returns,
``programs/link.ld`` places everything in the memory at 0x8000_0000, and nothing else is linked in. Compiled
programs are kept in the build cache.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tileloom.cores import CORES, EXTRA
from tileloom.design import Design
from tileloom.errors import ToolError

from ..build import cache, toolchain

PROGRAMS = Path(__file__).with_name("programs")
"""Where the start-up code, the linker's script and CORE-V's instructions in C are."""

ADDED = ("crt0.S", "link.ld", "corev.h", "counters.h", "device.h", "memory.c")
"""What every program is compiled with."""

FLAGS = [
    "-target",
    "riscv32-freestanding-none",
    # Floats in integer registers, with an FPU too: whoever writes assembly may use all of the others.
    "-mabi=ilp32",
    "-std=c11",
    "-O2",
    "-ffreestanding",
    "-nostdlib",
    "-fno-builtin",
    "-fno-unroll-loops",
    "-fomit-frame-pointer",
    # Zig's driver traps on undefined behaviour by default; it costs instructions.
    "-fno-sanitize=undefined",
    "-mno-relax",
    "-Wall",
    "-Wextra",
    "-Werror",
]


@dataclass(frozen=True)
class Program:
    """A linked program.

    Attributes
    ----------
    entry:
        Address of its first instruction.
    segments:
        Bytes to load, by address.
    symbols:
        Addresses of its global and local names.
    sizes:
        Bytes that a function or an object takes, by name; 0 where the source does not say.
    """

    entry: int
    segments: Mapping[int, bytes]
    symbols: Mapping[str, int]
    sizes: Mapping[str, int]

    @property
    def free(self) -> int:
        """Address of the first byte after program, data and stack: from here on memory is the host's."""
        return self.symbols["__free"]

    def words(self, name: str) -> list[int]:
        """Return the instructions of a function without compressed ones, as 32-bit words."""
        start, size = self.symbols[name], self.sizes[name]
        for base, data in self.segments.items():
            if base <= start < base + len(data):
                return list(struct.unpack_from(f"<{size // 4}I", data, start - base))
        raise KeyError(name)


def c_sources(design: Design) -> dict[str, str]:
    """Return the C files that come with a design, by name."""
    texts = {name: text for name, text in design.sources.items() if isinstance(text, str)}
    return {name: text for name, text in texts.items() if name.endswith((".c", ".h"))}


def compile_program(
    core: str,
    sources: Mapping[str, str],
    *,
    main: Sequence[str],
    defines: Mapping[str, int | str] | None = None,
) -> Program:
    """Compile and link a program for a core.

    Parameters
    ----------
    core:
        Name of the core, of ``cores.CORES``.
    sources:
        Text by file name: C, assembly (.S) and headers. ``ADDED`` are there, too.
    main:
        Names of those to compile; the others are included by them.
    defines:
        Macros; XPULP is one where the core has these instructions, UNPRIVILEGED where it has no machine mode.

    Raises ToolError where the compiler is missing or refuses the program.
    """
    command = [*zig(), "cc", *FLAGS, f"-mcpu={CORES[core].isa}"]
    traits = {"XPULP": CORES[core].xpulp, "UNPRIVILEGED": not CORES[core].privileged}
    macros = {**{name: 1 for name, there in traits.items() if there}, **(defines or {})}
    command += [f"-D{name}={value}" for name, value in macros.items()]
    command += ["-T", "link.ld", "crt0.S", *main, "-o", "program.elf"]
    files = {name: (PROGRAMS / name).read_text() for name in ADDED} | dict(sources)

    def build(work: Path) -> list[str]:
        for name, text in files.items():
            (work / name).write_text(text)
        # Zig keeps caches of its own; in the scratch folder they go with it.
        folders = {"ZIG_GLOBAL_CACHE_DIR": str(work / "zig"), "ZIG_LOCAL_CACHE_DIR": str(work / "zig")}
        toolchain.run(command, f"Compiling {main[0]} for {core}", {**os.environ, **folders}, work)
        return ["program.elf"]

    texts = [part for item in files.items() for part in item]
    version = importlib.metadata.version("ziglang")
    entry = cache.built(f"program-{core}", [version, *command[1:], *texts], build)
    return read_elf((entry / "program.elf").read_bytes())


def zig() -> list[str]:
    """Return the command that runs Zig, whose ``cc`` is Clang.

    Raises ToolError where the wheel ziglang is missing.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolError(
            f"ziglang, the C compiler for RISC-V, is not installed: pip install 'tileloom[{EXTRA}]'"
        )
    return [sys.executable, "-m", "ziglang"]


def read_elf(data: bytes) -> Program:
    """Return the program in a little-endian 32-bit ELF file (System V ABI, chapters 4 and 5)."""
    header = struct.unpack_from("<16sHHIIIIIHHHHHH", data)
    entry, segments_at, sections_at = header[4], header[5], header[6]
    segment_size, segment_count, section_size, section_count = header[9:13]
    segments = {}
    for index in range(segment_count):
        kind, offset, _, address, size = struct.unpack_from("<5I", data, segments_at + index * segment_size)
        if kind == 1 and size:  # PT_LOAD
            segments[address] = data[offset : offset + size]
    sections = [
        struct.unpack_from("<10I", data, sections_at + index * section_size) for index in range(section_count)
    ]
    symbols, sizes = {}, {}
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 16):
            name_at, value, size = struct.unpack_from("<3I", data, at)
            name = data[names + name_at : data.index(b"\0", names + name_at)].decode()
            if name:
                symbols[name], sizes[name] = value, size
    return Program(entry, segments, symbols, sizes)
