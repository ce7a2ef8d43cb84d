"""The registers of a design as a table for people, from the IP-XACT that PeakRDL made of the map."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Xml

from tileloom.package.ip_xact import NAMESPACE

from .example import table

_SPACE = {"ipxact": NAMESPACE}

_ACCESS = {
    ("read-only", ""): "r",
    ("read-write", ""): "rw",
    ("write-only", ""): "w",
    ("read-write", "oneToClear"): "w1c",
}
"""How software uses a field, from IP-XACT's ``access`` and ``modifiedWriteValue``."""


def registers(ip_xact: str) -> str:
    """Return the table as Markdown."""
    found = Xml.fromstring(ip_xact).iterfind(".//ipxact:register", _SPACE)
    rows = [row for register in found for row in _rows(register)]
    return table(("address", "register", "bits", "field", "access", "reset", ""), rows)


def _rows(register: Xml.Element) -> Iterator[tuple[str, ...]]:
    name, address = _text(register, "name"), int(_text(register, "addressOffset").replace("'h", "0x"), 0)
    about = _text(register, "displayName") or _text(register, "description")
    first = (f"`0x{address:02X}`", f"`{name}`")
    for field in register.iterfind("ipxact:field", _SPACE):
        low, width = (int(_text(field, tag)) for tag in ("bitOffset", "bitWidth"))
        access = _text(field, "access"), _text(field, "modifiedWriteValue")
        reset = field.findtext(".//ipxact:reset/ipxact:value", "", _SPACE).replace("'h", "0x")
        said = " ".join(_text(field, "description").split())
        yield (
            *first,
            f"{low + width - 1}:{low}" if width > 1 else str(low),
            _text(field, "name"),
            _ACCESS.get(access, access[0]),
            reset,
            said or about,
        )
        first = ("", "")


def _text(element: Xml.Element, tag: str) -> str:
    return element.findtext(f"ipxact:{tag}", "", _SPACE)
