"""The design of a cluster's fabric."""

from __future__ import annotations

from ..coprocessor.design import by_plain_ports
from ..design import Design
from .config import ClusterConfig
from .fabric import Fabric

PARTS = {
    "interconnect": "interconnect",
    "core_port": "core ports",
    "event_unit": "event unit",
    "dma": "DMA engine",
    "l2_port": "L2 port",
}
"""By instance, numbers left out."""


def generate(config: ClusterConfig, name: str | None = None) -> Design:
    """Return the fabric that ``config`` describes; ``name`` and errors as in ``design.build``.

    The manifest has every port with its direction and width.
    """
    timing = {"l1_cycles": 1, "most_cycles_to_an_l1_grant": config.masters}
    return by_plain_ports(config, Fabric(config), name, {}, timing, origin)


def origin(path: tuple[str, ...]) -> str:
    """Return which part of the fabric the module at ``path`` is."""
    return PARTS[path[0].rstrip("0123456789")] if path else "top"
