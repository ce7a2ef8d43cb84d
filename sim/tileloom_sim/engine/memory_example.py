"""The worked example of an AXI4 engine: what is in memory, by address, and its descriptors field by field."""

from __future__ import annotations

from dataclasses import fields

from tileloom_golden.engine.memory_map import memory_map
from tileloom_golden.engine.program import DESCRIPTOR_BYTES

from ..package.example import digits, table
from .descriptor import Descriptor
from .job import Job

OPCODES = ("end", "LOAD", "CONV", "WRITE")

SHOWN = 4
"""Beats of a place in memory that are shown."""


def memory_text(job: Job) -> str:
    """Return Markdown of a job's memory: places, descriptors, beats."""
    image, config = job.image, job.config
    where = memory_map(job.program, job.weights.mask, result_bytes=image.result_bytes, base=image.base)
    places: list[tuple[int, int, str]] = []
    layer, size = job.program.layer, job.program.size
    blocks = -(-layer.channels // size.k)
    count = blocks * layer.height * layer.width * where.unit
    places.append((where.activations, count, "activations, [channel block][row][channel in block]"))
    places.append((where.results, image.results_size, "results, [column block][row][column in block]"))
    for part in where.parts.values():
        places.append((part.index, part.index_bytes, "index entries, 16 bits each"))
        places.append(
            (part.weights, part.weight_bytes, "weights: of each column its header, then its blocks")
        )
    count = DESCRIPTOR_BYTES * len(image.descriptors)
    places.append((where.descriptors, count, "descriptors, 64 bytes each; the last one ends the program"))
    digit_count = -(-config.address_bits // 4)

    def address(value: int) -> str:
        return f"`0x{value:0{digit_count}x}`"

    text = "Everything is little-endian. In memory, from the golden model's memory map:\n\n"
    text += table(
        ("address", "bytes", "what"), [(address(begin), count, what) for begin, count, what in places]
    )
    text += "\nThe descriptors, field by field; a field that is not there is 0:\n\n"
    rows = [
        (address(where.descriptors + number * DESCRIPTOR_BYTES), OPCODES[each.opcode], _fields(each))
        for number, each in enumerate(image.descriptors)
    ]
    text += table(("address", "opcode", "fields"), rows)
    text += (
        f"\nThe same in beats of {config.bus} bits, the most significant digit first; the results as they "
    )
    text += "are afterwards:\n\n"
    content = bytearray(image.content)
    begin = image.results - image.base
    content[begin : begin + image.results_size] = _results(job)
    step = config.bus // 8
    lines = []
    for start, count, _ in sorted(places):
        addresses = list(range(start, start + count, step))
        chosen = addresses if len(addresses) <= SHOWN + 1 else addresses[:SHOWN]
        for place in chosen:
            beat = content[place - image.base : place - image.base + step]
            lines.append((address(place), f"`{digits(int.from_bytes(beat, 'little'), config.bus)}`"))
        if len(chosen) < len(addresses):
            lines.append(("...", f"{len(addresses) - len(chosen)} more"))
    return text + table(("address", "beat"), lines)


def _fields(descriptor: Descriptor) -> str:
    slots = " ".join(f"{slot:04x}" for slot in descriptor.command)
    values = {
        field.name: getattr(descriptor, field.name)
        for field in fields(descriptor)
        if field.name != "command" and getattr(descriptor, field.name)
    }
    return ", ".join([f"command `{slots}`", *(f"{name} `{value:#x}`" for name, value in values.items())])


def _results(job: Job) -> bytes:
    """Return the golden model's results as they lie in memory."""
    layer, n = job.program.layer, job.program.size.n
    expected = job.expected.reshape(*layer.output, layer.outputs)
    blocks = -(-layer.outputs // n)
    return b"".join(expected[..., block * n : (block + 1) * n].tobytes() for block in range(blocks))
