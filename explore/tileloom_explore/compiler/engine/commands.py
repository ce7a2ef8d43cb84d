"""Programs as the commands of our engines: a chain is a LOAD, a CONV and a WRITE of each engine.

A chain's LOADFM, CONV and WRITEFM are the engine's LOAD, CONV and WRITE with as many iterations; the engine's
counting locks chain them as the program's locks do. LOADWM is no command: weights come by their stream, again
for each iteration. Poolings and additions are not computed by engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tileloom.errors import UserError
from tileloom_golden.engine.layer import EngineSize, Layer
from tileloom_golden.engine.program import Conv, Group, Load, Program, Write, command_word

from .. import program as steps
from ..abstraction import Abstraction
from ..graph import Kind
from ..work import SUM_BYTES, ceil

SIZE = EngineSize()
"""Of engine-int8."""


def check_grid(grid: Abstraction, source: str) -> None:
    """Raise UserError where the cores of a grid are not engine-int8."""
    size = SIZE
    wanted = {
        "weight_bytes": 0,
        "block": size.k,
        "operations": size.m * size.k * size.n,
        "input_bytes": size.a_words * size.m * size.k,
        "output_bytes": size.acc_tiles * size.m * size.n * SUM_BYTES,
    }
    for name, value in wanted.items():
        if getattr(grid, name) != value:
            raise UserError(f"{source}: {name} is {getattr(grid, name)}, {value} of engine-int8")


def chain_program(conv: steps.Conv, row: int, column: int, size: EngineSize = SIZE) -> Program | None:
    """Return what an engine does in one iteration of a chain, as a program of the engine.

    Parameters
    ----------
    conv:
        The chain's CONV.
    row, column:
        Of the engine in the grid.
    size:
        Of the engine.

    Returns
    -------
    Program | None
        None where the engine has nothing to compute: no pixels, no channels, or no convolution.

    Raises
    ------
    UserError
        Partial sums go through the memory tile, which engines cannot take back; or the strip, or its results,
        do not fit the engine's buffers.
    """
    width, outputs = conv.width[column], min(conv.outputs, conv.limit - row * conv.outputs)
    if Kind(conv.kind) is not Kind.CONV or not width or outputs <= 0:
        return None
    if conv.accumulate or not conv.finish:
        raise UserError("input channels are split, and engines take no partial sums; give input_bytes more")
    (h, w), stride = conv.kernel, conv.stride
    left, right = conv.left[column], conv.right[column]
    layer = Layer(
        height=(conv.rows - 1) * stride + h - conv.above - conv.below,
        width=(width - 1) * stride + w - left - right,
        channels=conv.inputs,
        outputs=outputs,
        kernel=(h, w),
        stride=stride,
        pads=(conv.above, conv.below, left, right),
    ).flat
    rows, width = layer.output
    across = layer.width + layer.pads[2] + layer.pads[3]
    phase_pitch = ceil(ceil(across, stride), size.m) * (conv.inputs // size.k)
    words = (layer.height + layer.pads[0] + layer.pads[1]) * stride * phase_pitch
    tiles = ceil(width, size.m)
    if words > size.a_words or rows * tiles > size.acc_tiles:
        raise UserError(
            f"a strip of {rows} x {width} takes {words} of {size.a_words} words and {rows * tiles} of "
            f"{size.acc_tiles} tiles of an engine"
        )
    blocks = conv.inputs // size.k
    load = Load(
        block=0,
        y=0,
        x=0,
        blocks=blocks,
        rows=layer.height,
        width=layer.width,
        pads=layer.pads,
        stride=stride,
        phase_pitch=phase_pitch,
    )
    compute = Conv(
        block=0,
        column=0,
        blocks=blocks,
        rows=rows,
        tiles=tiles,
        kernel=(h, w),
        stride=stride,
        phase_pitch=phase_pitch,
        columns=outputs // size.n,
        accumulate=False,
        finish=True,
    )
    write = Write(column=0, y=0, x=0, rows=rows, width=width, columns=outputs // size.n, relu=bool(conv.relu))
    return Program(layer=layer, size=size, groups=(Group(parts=((load, compute),), write=write),), splits={})


def chain_commands(program: Program, iterations: int) -> list[list[int]]:
    """Return the commands of a chain, slots each."""
    commands = program.commands()
    for slots in commands:
        slots[1] = iterations
    return commands


@dataclass(frozen=True)
class Command:
    """A command of one engine: of which node, which engine, and its 192 bits."""

    node: str
    row: int
    column: int
    word: int


def engine_commands(program: Sequence[steps.Step], grid: Abstraction) -> Iterator[Command]:
    """Yield the commands of all engines, in order. Raises UserError as `chain_program`, with the node."""
    node = ""
    for step in program:
        if isinstance(step, steps.Begin):
            node = step.node
        if not isinstance(step, steps.Conv):
            continue
        for row in range(grid.rows):
            for column in range(grid.columns):
                try:
                    own = chain_program(step, row, column)
                except UserError as error:
                    raise UserError(f"{node}: {error}") from None
                for slots in chain_commands(own, step.iterations) if own else ():
                    yield Command(node, row, column, command_word(slots))


def to_text(commands: Sequence[Command]) -> str:
    """Return commands as text: the node where it changes, then row, column, and 192 bits in hex."""
    lines, node = [], None
    for each in commands:
        if each.node != node:
            lines.append(f"# {each.node}")
            node = each.node
        lines.append(f"{each.row} {each.column} {each.word:048x}")
    return "\n".join(lines) + "\n"
