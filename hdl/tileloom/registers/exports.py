"""Documents of a register map, made by the PeakRDL exporters: C header, IP-XACT, HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import scratch
from ..errors import ToolError
from ..package.ip_xact import component
from .table import EXTRA

if TYPE_CHECKING:
    from systemrdl.node import AddrmapNode

    from ..design import Design

LEFT_OUT = (".eot", ".svg", ".ttf", ".woff", ".bat", "user.js")
"""Ends of files of the HTML pages that no browser needs: launchers, and fonts that are there as WOFF2 too."""


def exported(top: AddrmapNode, design: Design) -> dict[str, str | bytes]:
    """Return the files of a design's register map by name.

    ``name.h`` is for C, ``name.xml`` is IP-XACT (IEEE 1685-2014) of the component with its map, ``name_html``
    a folder of pages that begin with ``index.html``. Names in C begin with that of the map, so that one
    program serves every design of a family. Raises ToolError where an exporter is not installed.
    """
    name = design.name
    try:
        from peakrdl_cheader.c_standards import CStandard
        from peakrdl_cheader.exporter import CHeaderExporter
        from peakrdl_html import HTMLExporter
        from peakrdl_ipxact import IPXACTExporter
    except ImportError as error:
        raise ToolError(
            f"{error.name} is not installed, which writes register maps: pip install 'tileloom[{EXTRA}]'"
        ) from None
    with scratch.folder() as folder:
        # The header's guard is made of the file's name, and is the same for every design.
        header, ip_xact, pages = folder / f"{top.inst_name}.h", folder / "registers.xml", folder / "html"
        CHeaderExporter().export(top, str(header), std=CStandard.gnu99, reuse_typedefs=False)
        IPXACTExporter(vendor="tileloom", library="tileloom").export(top, str(ip_xact), component_name=name)
        HTMLExporter().export(top, str(pages), footer="")
        html = [path for path in sorted(pages.rglob("*")) if path.is_file()]
        return {
            # All members are aligned; of a packed one, compilers may read a byte at a time.
            f"{name}.h": header.read_text(encoding="utf-8").replace("__attribute__ ((__packed__)) ", ""),
            f"{name}.xml": component(design, ip_xact.read_text(encoding="utf-8")),
            **{
                f"{name}_html/{path.relative_to(pages)}": path.read_bytes()
                for path in html
                if not path.name.endswith(LEFT_OUT)
            },
        }
