"""Arrays of other sizes, mapped as one of them was: what an array's period depends on is the same in all.

Static timing of an array of 32 x 32, of two million cells, takes minutes for each mapping that is tried; the
slowest paths are those of an element, which a small array has too.
"""

from __future__ import annotations

from tileloom.design import Design

from .flow import Flow
from .library.standard_cells import Library
from .progress import Progress
from .report import Report, report
from .synthesis import UNITS


def map_alike(
    design: Design, macs: int, like: Report, library: Library, progress: Progress | None = None
) -> Report:
    """Return the report of a design mapped as another one of its kind was, without timing.

    Parameters
    ----------
    design, macs:
        The design, and its multiply-accumulates in a cycle.
    like:
        Of the other: its options, and which of its modules, by their names behind the design's, are faster.
    library:
        What both are mapped to.
    progress:
        Told each line of Yosys's log.

    Raises ``yosys.YosysError`` where Yosys or ABC fails.
    """
    progress = progress or Progress()
    origins = design.manifest["modules"]
    units = [module for module, part in origins.items() if part in UNITS]
    flow = Flow(design.verilog, design.name, library, units, progress.line)
    renamed = {
        f"{design.name}{module.removeprefix(like.name)}": way for module, way in like.mapped.faster.items()
    }
    faster = {module: way for module, way in renamed.items() if module in origins}
    return report(flow.map(like.mapped.options, faster), library, origins, macs)
