"""The program being written down: its steps, locks, buffers, and where tensors and weights are in DDR."""

from __future__ import annotations

from collections.abc import Sequence

from .abstraction import Abstraction
from .graph import Graph, Node
from .memory import ALIGNMENT
from .passes import Part, Pass, Tiling, chunk_bytes, passes, row_bytes
from .program import NEVER, Begin, Buffer, Chunk, Ints, Load, LoadW, Program, Step, Weights, Write
from .work import Span, Work, ceil, slices


def begins_and_widths(across: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Return each column's first pixel, and how many, of spans or of what begins as spans do."""
    return tuple(each[0] for each in across), tuple(each[1] for each in across)


class Emitter:
    """A program under way; nodes add their steps to it."""

    def __init__(self, graph: Graph, grid: Abstraction) -> None:
        self.graph, self.grid = graph, grid
        self.steps: list[Step] = []
        self.chunks: list[Chunk] = []
        self._numbers = self._locks = self._address = 0
        self._fresh = True
        self._last_load = self._last_write = NEVER
        self._known: dict[tuple[str, Span, Span, int, int], int] = {}
        self.tensors = {
            name: self._ddr(tensor.height * tensor.width * self.pixel(name))
            for name, tensor in graph.tensors.items()
            if not tensor.of
        }
        for name, tensor in graph.tensors.items():
            if tensor.of:
                first = tensor.y * graph.tensors[tensor.of].width + tensor.x
                self.tensors[name] = self.tensors[tensor.of] + first * self.pixel(name)

    def program(self) -> Program:
        """Return the program."""
        return Program(tuple(self.steps), self.tensors, tuple(self.chunks), self._address)

    def begin(self, node: Node) -> None:
        """Begin a node."""
        self.steps.append(Begin(node=node.name))
        self._fresh = True

    def pixel(self, name: str) -> int:
        """Return the bytes of a tensor's pixel: channels filled up to whole blocks."""
        return ceil(self.graph.tensors[name].channels, self.grid.block) * self.grid.block

    def lock(self, *, writes: bool, sums: bool = False) -> dict[str, int]:
        """Return a new lock, and the one that it comes after: of the step before of the same kind.

        A node's first LOADFM comes after the last WRITEFM of the node before, whose results it may read, and
        one of partial sums after the last WRITEFM, which may have written them.
        """
        after = self._last_write if writes or sums or self._fresh else self._last_load
        lock = self._locks
        self._locks, self._fresh = lock + 1, False
        if writes:
            self._last_write = lock
        else:
            self._last_load = lock
        return {"lock": lock, "after": after}

    def buffer(
        self,
        tensor: str,
        memtile: int,
        down: Span,
        across: Sequence[Sequence[int]],
        channels: Span,
        item: int = 1,
    ) -> Buffer:
        """Say where a box of a tensor, or of partial sums, is in the memory tiles."""
        self._numbers += 1
        x, width = begins_and_widths(across)
        buffer = Buffer(
            number=self._numbers,
            tensor=tensor,
            memtile=memtile,
            y=down[0],
            rows=down[1],
            x=x,
            width=width,
            channel=channels[0],
            channels=channels[1],
            item=item,
        )
        self.steps.append(buffer)
        return buffer

    def whole(self, name: str, memtile: int, across: Sequence[Sequence[int]]) -> Buffer:
        """Say where a whole tensor is in the memory tiles."""
        return self.buffer(name, memtile, (0, self.graph.tensors[name].height), across, (0, self.pixel(name)))

    def load(self, buffer: Buffer) -> None:
        """Fill a buffer from DDR."""
        self.steps.append(Load(buffer=buffer.number, **self._where(buffer.tensor)))

    def write(self, buffer: Buffer, across: Sequence[Sequence[int]], channels: Span) -> None:
        """Write pixels and channels of a buffer to DDR."""
        x, width = begins_and_widths(across)
        self.steps.append(
            Write(
                buffer=buffer.number,
                x=x,
                width=width,
                channel=channels[0],
                channels=channels[1],
                **self._where(buffer.tensor),
            )
        )

    def write_own(self, buffer: Buffer, channels: Span) -> None:
        """Write channels of a whole tensor to DDR: of each column its own pixels."""
        self.write(buffer, slices(self.graph.tensors[buffer.tensor].width, self.grid.columns), channels)

    def load_weights(self, work: Work, part: Part, tiling: Tiling, memtile: int) -> Weights:
        """Load a part's weights; where they are in DDR is settled the first time."""
        size = row_bytes(work, part, tiling)
        key = (work.node.owner, part.outputs, part.inputs, tiling.outputs, tiling.inputs)
        if key not in self._known:
            self._known[key] = self._ddr(size * self.grid.rows)
            loading = [each for each in passes(work, part, tiling) if each.loads]
            self._place(work, loading, self._known[key], size)
        self._numbers += 1
        weights = Weights(number=self._numbers, node=work.node.owner, memtile=memtile, bytes=size)
        self.steps += [weights, LoadW(weights=weights.number, ddr=self._known[key])]
        return weights

    def _place(self, work: Work, loading: Sequence[Pass], address: int, size: int) -> None:
        """Note what weights are in DDR: those of each row after one another, ``size`` bytes each."""
        for each in loading:
            own = chunk_bytes(work, each.cores, each.inputs)
            self.chunks += [
                Chunk(work.node.owner, core, each.inputs, address + row * size, own)
                for row, core in enumerate(each.cores)
            ]
            address += own

    def _where(self, tensor: str) -> dict[str, int]:
        pixel = self.pixel(tensor)
        whole = self.graph.tensors[self.graph.tensors[tensor].of or tensor]
        line = whole.width * pixel
        return {"ddr": self.tensors[tensor], "line": line, "pixel": pixel}

    def _ddr(self, size: int) -> int:
        address = self._address
        self._address += ceil(size, ALIGNMENT) * ALIGNMENT
        return address
