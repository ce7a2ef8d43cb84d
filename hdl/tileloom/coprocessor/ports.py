"""Ports that are no streams in a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In


def described(ports: Iterable[tuple[tuple[str | int, ...], wiring.Member, Any]]) -> list[dict[str, Any]]:
    """Return the manifest's account of ports, as a signature's ``flatten`` gives them.

    It is name, direction and width, and of a port with fields the bits of each.
    """
    return [_described(path, member, value) for path, member, value in ports]


def _described(path: tuple[str | int, ...], member: wiring.Member, value: Any) -> dict[str, Any]:
    """Return the manifest's account of a port."""
    port: dict[str, Any] = {
        "name": "__".join(map(str, path)),
        "direction": "in" if member.flow is In else "out",
        "width": len(Value.cast(value)),
    }
    shape = value.shape()
    if isinstance(shape, data.StructLayout):
        port["fields"] = {
            field: [place.offset, place.offset + place.width - 1] for field, place in _places(shape)
        }
    return port


def _places(layout: data.StructLayout) -> list[tuple[str, data.Field]]:
    return [(str(key), field) for key, field in layout]
