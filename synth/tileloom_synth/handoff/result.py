"""What came of a synthesis, and the files that it leaves: names before the work, contents after it.

| file | what |
|---|---|
| ``NAME.netlist.v`` | the netlist, of the library's cells |
| ``NAME.sdc`` | with a clock: the constraints that it was mapped and timed for |
| ``NAME.cells.v`` | models of its cells, for simulators |
| ``NAME.memories.v`` | models of its memories, whose macros have these modules' names |
| ``NAME.f`` | the Verilog files, as ``-f`` of simulators takes them |
| ``NAME.synth.json`` | the report |
| ``NAME.librelane.json``, ``NAME.openroad.mk`` | configuration of a flow for place and route |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tileloom.cli.result import Result
from tileloom.errors import UserError

from ..library.standard_cells import Library
from ..report import Report
from .flows import FLOWS, Block, check_flow, configuration
from .models import cell_models

NETLIST, SDC, CELLS, MEMORIES, FILES, REPORT = (
    ".netlist.v",
    ".sdc",
    ".cells.v",
    ".memories.v",
    ".f",
    ".synth.json",
)


def check_hand_off(flow: str, library: Library, clock_ps: float | None) -> None:
    """Raise UserError where a flow's configuration cannot be written, before the work."""
    if clock_ps is None:
        raise UserError("--hand-off: goes with --clock; a flow needs the period")
    check_flow(flow, library.name)


def file_names(
    name: str, *, netlist: bool = True, clock: bool = False, memories: bool = False, flow: str | None = None
) -> list[str]:
    """Return the names of the files that a synthesis of ``name`` will leave."""
    endings = [NETLIST, CELLS, FILES] if netlist else []
    endings += [SDC] if clock else []
    endings += [MEMORIES] if memories else []
    endings += [FLOWS[flow]] if flow else []
    return [f"{name}{ending}" for ending in (*endings, REPORT)]


@dataclass(frozen=True)
class Synthesis(Result):
    """What came of a synthesis.

    Attributes
    ----------
    name:
        Of the design, and of the files.
    report, library, clock:
        Of the netlist, what it is mapped to, and the name of its clock port; None where it is left with no
        netlist, as a host core is.
    memories:
        Behavioural models of the memories that are no cells, by the name of their module.
    """

    name: str = ""
    report: Report | None = None
    library: Library | None = None
    clock: str | None = None
    memories: Mapping[str, str] = field(default_factory=dict)

    def files(self, folder: Path, flow: str | None = None) -> dict[Path, str]:
        """Return what ``tileloom synth -o`` writes to ``folder``: text by path.

        Parameters
        ----------
        folder:
            Where the files will be: their list has absolute paths.
        flow:
            Configure this flow too, ``librelane`` or ``openroad``.

        Raises UserError where the flow has no such process, ToolError where Yosys fails.
        """
        texts = {REPORT: self.json}
        if self.report is not None and self.library is not None:
            texts |= self._netlist(folder, self.report, self.library, flow)
        return {folder / f"{self.name}{ending}": text for ending, text in texts.items()}

    def _netlist(self, folder: Path, report: Report, library: Library, flow: str | None) -> dict[str, str]:
        texts = {NETLIST: report.netlist, CELLS: cell_models(library, report.cells)}
        if self.memories:
            texts[MEMORIES] = "\n".join(self.memories.values())
        paths = [str(folder.resolve() / f"{self.name}{ending}") for ending in texts]
        texts[FILES] = "".join(f'"{path}"\n' if " " in path else f"{path}\n" for path in paths)
        if report.sdc is not None and report.timing is not None:
            texts[SDC] = report.sdc
            if flow is not None:
                block = Block(
                    top=self.name,
                    clock=str(self.clock),
                    period_ps=report.timing.constraints.period_ps,
                    netlist=f"{self.name}{NETLIST}",
                    sdc=f"{self.name}{SDC}",
                    memories=tuple(self.memories),
                    memory_models=f"{self.name}{MEMORIES}",
                )
                texts[FLOWS[flow]] = configuration(flow, block, check_flow(flow, library.name))
        return texts
