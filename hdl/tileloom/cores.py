"""The RISC-V cores: SystemVerilog as the PyPI packages install it, unmodified unless a caller patches it.

All are of the pythondata-cpu packages: OpenHW Group cores, and PicoRV32. What is simulated or synthesised is
a mapping of file names to text, in the order in which they must be read, so that a step that changes a core
works on text and leaves the installed files alone.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ToolError

EXTRA = "xfu"
"""The optional dependencies that bring cores and compiler: ``pip install 'tileloom[xfu]'``."""

Sources = dict[str, str]
"""SystemVerilog text by file name, in the order in which a tool must read the files.

A name has a folder in front where another file includes it by that path.
"""

Patch = Callable[[Sources], Sources]
"""Returns a changed copy of a core's sources: files replaced, or added where they must be read."""


@dataclass(frozen=True, kw_only=True)
class RiscvCore:
    """A core and how to build it.

    Attributes
    ----------
    name:
        Of the core.
    wrapper:
        Name of its SystemVerilog wrapper, ``rtl/WRAPPER.sv``.
    package:
        The Python package that installs its sources.
    folder:
        Of the package, where its sources are.
    files:
        The sources, in order, relative to that.
    headers:
        What they include by a path: that path, and the file's in the package.
    top:
        Its top module.
    isa:
        What ``compile`` passes to Clang as ``-mcpu``.
    xpulp:
        Whether it has CORE-V's hardware loops, post-increment loads and SIMD.
    has_bus_errors:
        Whether its bus interfaces have an error input.
    privileged:
        Whether it has machine mode's registers and traps (RISC-V Privileged ISA).
    operands:
        Registers that a coprocessor's instruction is given.
    parameters:
        How it is built, as parameters of ``top``.
    """

    name: str
    wrapper: str
    package: str
    files: tuple[str, ...]
    top: str
    isa: str
    xpulp: bool
    has_bus_errors: bool
    parameters: Mapping[str, int]
    headers: tuple[tuple[str, str], ...] = ()
    folder: str = "system_verilog"
    privileged: bool = True
    operands: int = 3

    @property
    def fpu(self) -> bool:
        """Whether it has the F extension, FP32 in registers of its own."""
        return bool(self.parameters.get("FPU"))

    def sources(self) -> Sources:
        """Return the installed sources, unmodified.

        Raises ToolError where the package is not installed or a file of it is missing.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ToolError(
                f"{self.package.replace('_', '-')} is not installed, the sources of the core {self.name}: "
                f"pip install 'tileloom[{EXTRA}]'"
            )
        folder = Path(spec.submodule_search_locations[0], self.folder)
        paths = {path: name for name, path in self.headers} | {name: Path(name).name for name in self.files}
        missing = [path for path in paths if not (folder / path).is_file()]
        if missing:
            raise ToolError(f"{folder / missing[0]}: not there; install another version of {self.package}")
        return {name: (folder / path).read_text() for path, name in paths.items()}


def _files(folder: str, prefix: str, names: str, suffix: str = ".sv") -> tuple[str, ...]:
    return tuple(f"{folder}/{prefix}{name}{suffix}" for name in names.split())


CV32E40P = RiscvCore(
    name="cv32e40p",
    wrapper="cv32e40p",
    package="pythondata_cpu_cv32e40p",
    files=(
        *_files("rtl/include", "cv32e40p_", "apu_core_pkg fpu_pkg pkg"),
        *_files(
            "rtl",
            "cv32e40p_",
            "if_stage cs_registers register_file_ff load_store_unit id_stage aligner decoder "
            "compressed_decoder fifo prefetch_buffer hwloop_regs mult int_controller ex_stage alu_div alu "
            "ff_one popcnt apu_disp controller obi_interface prefetch_controller sleep_unit core top",
        ),
        "bhv/cv32e40p_sim_clock_gate.sv",
    ),
    top="cv32e40p_top",
    # No compressed instructions: a hardware loop's body may not contain any (CV32E40P user manual, "Hardware
    # Loop constraints").
    isa="generic_rv32+m+xcvalu+xcvbitmanip+xcvmac+xcvmem+xcvsimd",
    xpulp=True,
    has_bus_errors=False,
    parameters={"COREV_PULP": 1},
)
"""CV32E40P, to be built with COREV_PULP = 1 and no FPU: the host of the xDecimate paper (as RI5CY)."""

_FPNEW = "rtl/vendor/pulp_platform_fpnew"
_FPNEW_E906 = f"{_FPNEW}/vendor/opene906/E906_RTL_FACTORY/gen_rtl"
_COMMON_CELLS = "rtl/vendor/pulp_platform_common_cells"

CV32E40P_FPU = dataclasses.replace(
    CV32E40P,
    name="cv32e40p_fpu",
    # In the order of the package's cv32e40p_fpu_manifest.flist: the unit stands before the top.
    files=(
        *CV32E40P.files[:-2],
        *_files(f"{_COMMON_CELLS}/src", "", "cf_math_pkg rr_arb_tree lzc"),
        f"{_FPNEW}/src/fpnew_pkg.sv",
        f"{_FPNEW_E906}/clk/rtl/gated_clk_cell.v",
        *_files(
            f"{_FPNEW_E906}/fdsu/rtl",
            "pa_fdsu_",
            "ctrl ff1 pack_single prepare round_single special srt_single top",
            ".v",
        ),
        *_files(f"{_FPNEW_E906}/fpu/rtl", "pa_fpu_", "dp frbus src_type", ".v"),
        *_files(
            f"{_FPNEW}/src",
            "fpnew_",
            "divsqrt_th_32 classifier rounding cast_multi fma_multi noncomp opgroup_fmt_slice "
            "opgroup_multifmt_slice opgroup_block top",
        ),
        "rtl/cv32e40p_fp_wrapper.sv",
        *CV32E40P.files[-2:],
    ),
    headers=(("common_cells/registers.svh", f"{_COMMON_CELLS}/include/common_cells/registers.svh"),),
    isa=f"{CV32E40P.isa}+f",
    parameters={"COREV_PULP": 1, "FPU": 1},
)
"""The same with its FPU, FPU = 1 and latencies of 0: FP32 with fused multiply-add, one instruction a cycle.

The unit hangs on the core's auxiliary-unit port, and its registers are apart (ZFINX = 0).
"""

CV32E40X = RiscvCore(
    name="cv32e40x",
    wrapper="cv32e40x",
    package="pythondata_cpu_cv32e40x",
    files=(
        "rtl/include/cv32e40x_pkg.sv",
        *_files("rtl", "if_", "c_obi xif"),
        *_files(
            "rtl",
            "cv32e40x_",
            "if_stage csr cs_registers register_file register_file_wrapper write_buffer lsu_response_filter "
            "load_store_unit id_stage i_decoder m_decoder a_decoder b_decoder decoder compressed_decoder "
            "sequencer alignment_buffer prefetch_unit mult int_controller clic_int_controller ex_stage "
            "wb_stage div alu ff_one popcnt alu_b_cpop controller_fsm controller_bypass controller "
            "instr_obi_interface data_obi_interface prefetcher sleep_unit core mpu pma pc_target",
        ),
        "bhv/cv32e40x_sim_clock_gate.sv",
    ),
    top="cv32e40x_core",
    isa="generic_rv32+m+c",
    xpulp=False,
    has_bus_errors=True,
    parameters={"X_EXT": 1, "X_NUM_RS": 3},
)
"""CV32E40X, to be built with X_EXT = 1 and X_NUM_RS = 3: the host of coprocessors on CV-X-IF."""

PICORV32 = RiscvCore(
    name="picorv32",
    wrapper="picorv32",
    package="pythondata_cpu_picorv32",
    folder="verilog",
    files=("picorv32.v",),
    top="picorv32",
    isa="generic_rv32+m",
    xpulp=False,
    has_bus_errors=False,
    privileged=False,
    operands=2,
    parameters={
        "ENABLE_PCPI": 1,
        "ENABLE_FAST_MUL": 1,
        "ENABLE_DIV": 1,
        "BARREL_SHIFTER": 1,
        "ENABLE_IRQ": 1,
    },
)
"""PicoRV32, with multiplier, divider and PCPI: the host of coprocessors without a way to memory."""

CORES = {core.name: core for core in (CV32E40P, CV32E40P_FPU, CV32E40X, PICORV32)}
"""Every core, by name."""
