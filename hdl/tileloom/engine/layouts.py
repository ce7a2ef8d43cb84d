"""What moves between the engine's parts: commands and tokens, as narrow as the configuration allows.

A command is twelve 16-bit slots (``docs/engine.md``); each unit gets the fields that it needs.
"""

from __future__ import annotations

import enum

from amaranth.hdl import ValueCastable
from amaranth.lib import data
from amaranth.utils import bits_for, ceil_log2

from .config import COLUMN_BITS, INDEX_BITS, ROW_BITS, EngineConfig

SLOT_BITS, SLOTS = 16, 12
PAD_BITS = STRIDE_BITS = 4
TAP_BITS = 8


class Opcode(enum.IntEnum):
    """What a command is for; 0 does nothing."""

    NOTHING = 0
    LOAD = 1
    CONV = 2
    WRITE = 3


COMMAND = data.StructLayout(
    {
        "opcode": 2,
        "reserved": 2,
        "stride": STRIDE_BITS,
        "flags": 8,
        "iterations": SLOT_BITS,
        "blocks": SLOT_BITS,
        "rows": SLOT_BITS,
        "width": SLOT_BITS,
        "pads": SLOT_BITS,
        "phase_pitch": SLOT_BITS,
        "row_pitch": SLOT_BITS,
        "line_pitch": SLOT_BITS,
        "columns": SLOT_BITS,
        **dict.fromkeys(("to_rows", "to_columns"), SLOT_BITS),
    }
)
"""A command as it is on the stream. For CONV, ``pads`` is the kernel and ``width`` the tiles of a row.

``to_rows`` and ``to_columns`` are a grid's: which engines it is for.
"""

INDEX = data.StructLayout({"row": ROW_BITS, "empty": 1, "last": 1})
"""An entry of the index."""

assert COMMAND.size == SLOTS * SLOT_BITS
assert INDEX.size == INDEX_BITS

TOKEN = data.StructLayout({"row": ROW_BITS, "empty": 1, "first": 1, "last": 1, "end": 1, "final": 1})
"""What the walker says of a block: ``first`` and ``last`` of its column, ``end`` of the iteration, ``final``
of the command."""


def token_layout(config: EngineConfig) -> data.StructLayout:
    """Return what the sequencer gets of a block: the token and, with ``activation_mask``, its tiles of A.

    ``mask`` has a bit for each tile that is not zero, and is never 0 itself.
    """
    if not config.activation_mask:
        return TOKEN
    return data.StructLayout({**{name: field.shape for name, field in TOKEN}, "mask": config.acc_tiles})


def address_bits(config: EngineConfig) -> int:
    """Return the width of an address in a bank of the A buffer; addresses are sums modulo its size."""
    return ceil_log2(config.a_words)


def count_bits(config: EngineConfig) -> int:
    """Return the width of a number of rows, columns or channel blocks of a strip, pads included."""
    return min(SLOT_BITS, ceil_log2(config.m * config.a_words) + 1)


def tile_bits(config: EngineConfig) -> int:
    """Return the width of a number of rows of tiles, or of tiles in a row: no more than are in a strip."""
    return bits_for(config.acc_tiles)


def pixel_bits(config: EngineConfig) -> int:
    """Return the width of a number of output pixels in a row."""
    return bits_for(config.m * config.acc_tiles)


def load_command(config: EngineConfig) -> data.StructLayout:
    """Return what the loader needs of a LOAD."""
    address, count = address_bits(config), count_bits(config)
    return data.StructLayout(
        {
            "iterations": COLUMN_BITS,
            "stride": STRIDE_BITS,
            **dict.fromkeys(("blocks", "rows", "width"), count),
            **dict.fromkeys(("top", "bottom", "left", "right"), PAD_BITS),
            **dict.fromkeys(("phase_pitch", "row_pitch"), address),
        }
    )


def conv_command(config: EngineConfig) -> data.StructLayout:
    """Return what the sequencer needs of a CONV."""
    address, tiles = address_bits(config), tile_bits(config)
    return data.StructLayout(
        {
            "stride": STRIDE_BITS,
            "blocks": address,
            **dict.fromkeys(("rows", "tiles"), tiles),
            **dict.fromkeys(("kernel_height", "kernel_width"), TAP_BITS),
            **dict.fromkeys(("phase_pitch", "row_pitch", "line_pitch"), address),
            **dict.fromkeys(("accumulate", "finish", "release"), 1),
            **({"masked": 1} if config.activation_mask else {}),
        }
    )


WALK_COMMAND = data.StructLayout({"iterations": COLUMN_BITS, "columns": COLUMN_BITS, "blocks": SLOT_BITS})
"""What the walker needs of a CONV."""

FEED_COMMAND = data.StructLayout({"kernel_height": TAP_BITS, "kernel_width": TAP_BITS})
"""What the feeder needs of a CONV."""


def write_command(config: EngineConfig) -> data.StructLayout:
    """Return what the drain needs of a WRITE."""
    return data.StructLayout(
        {
            "iterations": COLUMN_BITS,
            "columns": COLUMN_BITS,
            "rows": tile_bits(config),
            "width": pixel_bits(config),
            "relu": 1,
        }
    )


def narrowed(command: ValueCastable, layout: data.StructLayout) -> dict[str, ValueCastable]:
    """Return the values of a layout's fields, by name, in a command of layout ``COMMAND``."""
    split = {
        "tiles": command.width,
        "top": command.pads[0:4],
        "bottom": command.pads[4:8],
        "left": command.pads[8:12],
        "right": command.pads[12:16],
        "kernel_height": command.pads[:8],
        "kernel_width": command.pads[8:],
        "accumulate": command.flags[0],
        "finish": command.flags[1],
        "release": command.flags[2],
        "masked": command.flags[3],
        "relu": command.flags[0],
    }
    return {name: split[name] if name in split else getattr(command, name) for name in layout.members}
