"""The design of an xDecimate unit: alone, as a coprocessor for CV-X-IF or PCPI, or CV32E40P with it."""

from __future__ import annotations

from amaranth.lib import wiring

from ..coprocessor.design import by_plain_ports
from ..design import Design
from .config import Host, Version, XfuConfig
from .cv32e40p.design import generate_core
from .cv_x_if import CvXIf
from .cv_x_if_1 import CvXIf1
from .instruction import encoding
from .pcpi import Pcpi
from .unit import Unit


def generate(config: XfuConfig, name: str | None = None) -> Design:
    """Return the unit that ``config`` describes for its host; ``name`` and errors as in ``design.build``.

    The manifest has the encoding, and every port with its direction and width; a port with fields has the
    bits of each.
    """
    if config.host is Host.CV32E40P:
        return generate_core(config, name)
    timing = {"stages": 3}
    top: wiring.Component
    if config.version is Version.V1_0:
        top = CvXIf1(config)
    elif config.host is Host.CV_X_IF:
        top = CvXIf(config)
    elif config.host is Host.PCPI:
        top, timing = Pcpi(config), {"cycles": 2}
    else:
        top = Unit(config, tag_bits=config.id_width, fault_bits=1)
    return by_plain_ports(config, top, name, {"encoding": encoding(config)}, timing, origin)


def origin(path: tuple[str, ...]) -> str:
    """Return which part of the unit the module at ``path`` is: its instance's name."""
    return path[-1] if path else "top"
