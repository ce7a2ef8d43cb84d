"""The memory of the AXI4 engine: descriptors, byte by byte and as the hardware's layout has them."""

import numpy as np
import pytest
from amaranth.lib import data

from tileloom.engine.axi.descriptors import DESCRIPTOR
from tileloom.engine.layouts import COMMAND
from tileloom.errors import UserError
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.program import Layer, command_word
from tileloom_golden.engine.sparse import from_dense
from tileloom_sim.engine.descriptor import PLACES, Descriptor
from tileloom_sim.engine.memory import memory_image


def random_descriptor(rng: np.random.Generator) -> Descriptor:
    """Return a descriptor with all bits of all fields at random."""
    fields = {name: int.from_bytes(rng.bytes(size), "little") for name, (_, size) in PLACES.items()}
    return Descriptor(command=tuple(rng.integers(0, 1 << 16, 12).tolist()), **fields)


def test_bytes_by_hand() -> None:
    descriptor = Descriptor(
        command=(0x0111, *range(1, 12)),
        address=0x0123456789ABCDEF,
        step=0x10,
        plane=0x200,
        line=0x3000,
        run=0x40000,
        lines=0x55,
        weight_bytes=0x600000,
        weights=0x7000000000000001,
    )
    assert descriptor.opcode == 1
    assert descriptor.to_bytes().hex(" ", 8) == " ".join(
        [
            "1101010002000300",
            "0400050006000700",
            "080009000a000b00",
            "efcdab8967452301",
            "1000000000020000",
            "0030000000000400",
            "5500000000006000",
            "0100000000000070",
        ]
    )


def test_the_hardware_has_the_same_fields(rng: np.random.Generator) -> None:
    for _ in range(50):
        descriptor = random_descriptor(rng)
        content = descriptor.to_bytes()
        assert Descriptor.from_bytes(content) == descriptor
        found = data.Const(DESCRIPTOR, int.from_bytes(content, "little"))
        assert found.command.as_value().value == command_word(descriptor.command)
        assert found.reserved == 0
        for name in PLACES:
            assert getattr(found, name) == getattr(descriptor, name)
    assert DESCRIPTOR["command"].shape is COMMAND
    assert {*DESCRIPTOR.members} == {"command", "reserved", *PLACES}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"run": 1 << 32}, "descriptor: run must be from 0 to 4294967295, not 4294967296"),
        ({"step": -8}, "descriptor: step must be from 0 to 4294967295, not -8"),
        ({"lines": 65536}, "descriptor: lines must be from 0 to 65535, not 65536"),
        ({"command": (0,) * 11}, "descriptor: command must have 12 slots, not 11"),
        (
            {"command": (1, 65536, *[0] * 10)},
            "descriptor: slot 1 of command must be from 0 to 65535, not 65536",
        ),
    ],
)
def test_what_does_not_fit_is_named(fields: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        Descriptor(**fields)
    assert str(error.value) == message


def test_an_image_reads_back(rng: np.random.Generator) -> None:
    layer = Layer.product(100, 40, 24)
    program = compile_layer(layer)
    weights = from_dense(rng.integers(-128, 128, (40, 24), np.int8))
    x = rng.integers(-128, 128, (1, 100, 40), np.int8)
    headers = np.zeros(24, np.uint64)
    image = memory_image(program, x, weights, headers, result_bytes=1, base=128)
    found = image.descriptors
    assert [one.opcode for one in found] == [1, 2, 3] * (len(found) // 3) + [0]
    assert sum(one.command[1] for one in found if one.opcode == 1) == len(program.groups)
    assert found[0].address == image.base and found[2].address == image.results
    assert len(image.content) + image.base == image.start + 64 * len(found)
    with pytest.raises(UserError, match="base: must be a multiple of 64, not 100"):
        memory_image(program, x, weights, headers, result_bytes=1, base=100)
