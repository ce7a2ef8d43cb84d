"""What xDecimate costs in area: a core with and without it, and the unit alone.

Both cores are compared with their modules kept, so that what does not change is mapped the same to the cell;
flat, 200 gate equivalents of a difference may be ABC's chance. The one clock gate of each, a model for
simulation, is left out. CV32E40X is built for CV-X-IF (X_EXT = 1), with and without the coprocessor, its
debug request tied off; flat, without the coprocessor, what serves CV-X-IF goes too. PicoRV32 has PCPI both
times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tileloom.cores import CV32E40P, CV32E40X, PICORV32, Sources
from tileloom.errors import UserError
from tileloom.xfu.config import Host, XfuConfig
from tileloom.xfu.cv32e40p import stages
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom.xfu.design import generate
from tileloom_sim.riscv.system import core_wrapper

from ..library.standard_cells import Library
from ..report import Report
from ..synthesis import synthesise
from ..system_verilog import to_verilog, ungated

Step = Callable[[str], None]
"""Called with what is about to be synthesised, for a line of progress."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """The area of one design.

    Attributes
    ----------
    name:
        What it is.
    area, unit:
        Area and its unit, the library's (``um2`` or ``GE``).
    gate_equivalents:
        The same in areas of the library's smallest two-input NAND.
    flops:
        Flip-flops.
    """

    name: str
    area: float
    unit: str
    gate_equivalents: float
    flops: int


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """A core without xDecimate and with it.

    Attributes
    ----------
    library:
        Name of the library.
    without, with_unit:
        The two cores.
    """

    library: str
    without: Area
    with_unit: Area

    @property
    def gate_equivalents(self) -> float:
        """What is added, in gate equivalents."""
        return self.with_unit.gate_equivalents - self.without.gate_equivalents

    @property
    def share(self) -> float:
        """What is added, as a share of the core without it."""
        return self.with_unit.area / self.without.area - 1


def core_overhead(
    core: str,
    config: XfuConfig,
    library: Library,
    *,
    flatten: bool = False,
    without: Area | None = None,
    on_step: Step | None = None,
) -> Overhead:
    """Return what xDecimate adds to a core.

    Parameters
    ----------
    core:
        ``cv32e40p``, with the unit in its pipeline and COREV_PULP = 1, or ``cv32e40x`` or
        ``picorv32``, with the coprocessor.
    config, library:
        The unit, and what to map to.
    flatten:
        Make one module of the core before it is mapped.
    without:
        The core without the unit, where it is known from another call with the same library and ``flatten``.
    on_step:
        Called before each synthesis; each takes about a minute.

    Raises UserError for another core or another version of it, ToolError where a package is missing or a tool
    fails.
    """
    if without is None:
        without = core_area(core, None, library, flatten=flatten, on_step=on_step)
    with_unit = core_area(core, config, library, flatten=flatten, on_step=on_step)
    return Overhead(library=library.name, without=without, with_unit=with_unit)


def core_area(
    core: str,
    config: XfuConfig | None,
    library: Library,
    *,
    flatten: bool = False,
    on_step: Step | None = None,
) -> Area:
    """Return the area of a core with the unit of ``config``, or of the core alone where that is None.

    Parameters and exceptions are those of ``core_overhead``.
    """
    if core not in _VERILOG:
        raise UserError(f"core: must be one of {', '.join(_VERILOG)}, not {core!r}")
    name = core if config is None else f"{core} with xDecimate"
    _tell(on_step, name)
    top, verilog = _VERILOG[core](config, flatten)
    return _area(name, synthesise(verilog, top, library))


def unit_areas(config: XfuConfig, library: Library, *, on_step: Step | None = None) -> tuple[Area, ...]:
    """Return the areas of the unit alone, of its coprocessor, and of its three parts inside CV32E40P.

    Each is flat. Of the parts, ``merge`` takes the place of a multiplexer of the core.
    """
    areas = []
    designs = [
        (generate(XfuConfig(host=host, group_sizes=config.group_sizes)), name)
        for host, name in _HOSTS.items()
    ]
    modules = [(name, design.verilog, design.name) for design, name in designs]
    verilog = stages.stages(config)
    modules += [
        (f"CV32E40P, {part}", verilog, f"{stages.PREFIX}_{part}") for part in ("decode", "execute", "merge")
    ]
    for name, text, top in modules:
        _tell(on_step, name)
        areas.append(_area(name, synthesise(text, top, library, hierarchy="flat")))
    return tuple(areas)


_HOSTS = {Host.UNIT: "unit", Host.CV_X_IF: "coprocessor for CV-X-IF"}


def _cv32e40p(config: XfuConfig | None, flatten: bool) -> tuple[str, str]:
    """Return top module and Verilog of the core."""
    sources = CV32E40P.sources()
    if config is not None:
        sources = patch_sources(sources, config)
    top = "cv32e40p_core"
    return top, to_verilog(ungated(sources), top, parameters={"COREV_PULP": 1}, flatten=flatten)


def _cv32e40x(config: XfuConfig | None, flatten: bool) -> tuple[str, str]:
    """Return the same of a core with coprocessors, within the system's wrapper."""
    return _beside("cv32e40x", ungated(CV32E40X.sources()), config, flatten)


def _picorv32(config: XfuConfig | None, flatten: bool) -> tuple[str, str]:
    return _beside("picorv32", PICORV32.sources(), config, flatten)


def _beside(core: str, sources: Sources, config: XfuConfig | None, flatten: bool) -> tuple[str, str]:
    defines = {}
    if config is not None:
        coprocessor = generate(config)
        sources["coprocessor.v"] = coprocessor.verilog
        defines = {"TILELOOM_COPROCESSOR": coprocessor.name}
        if config.id_width is not None:
            defines["TILELOOM_ID_WIDTH"] = str(config.id_width)
    top = "tileloom_riscv_core"
    return top, to_verilog({**sources, **core_wrapper(core)}, top, defines=defines, flatten=flatten)


_VERILOG = {"cv32e40p": _cv32e40p, "cv32e40x": _cv32e40x, "picorv32": _picorv32}


def _area(name: str, report: Report) -> Area:
    return Area(
        name=name,
        area=report.area,
        unit=report.unit,
        gate_equivalents=report.gate_equivalents,
        flops=report.flops,
    )


def _tell(on_step: Step | None, what: str) -> None:
    if on_step is not None:
        on_step(what)
