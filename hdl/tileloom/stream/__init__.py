"""What the streams of all families share. A stream is Amaranth's: payload, valid, ready."""

from amaranth.hdl import ShapeLike
from amaranth.lib import data


def packet(shape: ShapeLike) -> data.StructLayout:
    """Return the payload of a stream whose transfers come in packets: ``data``, and ``last`` of a packet."""
    return data.StructLayout({"data": shape, "last": 1})


__all__ = ["packet"]
