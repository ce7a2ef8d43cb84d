"""The steps of a node, part by part and pass by pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .arithmetic import scale_of
from .cut import Plan, input_bytes, output_bytes, same_input, same_tiles
from .emit import Emitter, begins_and_widths
from .memory import Memory
from .passes import Part, Pass, Tiling, chunk_bytes, most_blocks, passes, sums_bytes, weights_bytes
from .program import Buffer, Conv, LoadFM, LoadWM, WriteFM
from .work import SUM_BYTES, Chain, Span, Work


@dataclass
class Spare:
    """Addresses of a node's own buffers: parts of its inputs, of its output, partial sums, and weights."""

    inputs: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)


def take_spare(work: Work, plan: Plan, memory: Memory, weight_memory: Memory) -> Spare | None:
    """Take the addresses of a node's own buffers, each for its largest part.

    None, and some may be taken, if there is no gap for one of them.
    """
    sizes = [
        ("sums", memory, [sums_bytes(work, *each) for each in plan.parts], 1),
        ("output", memory, [output_bytes(work, part) for part, _ in plan.parts], int(plan.writes)),
        (
            "inputs",
            memory,
            [input_bytes(work, part) // work.operands for part, _ in plan.parts],
            work.operands * plan.reads,
        ),
        ("weights", weight_memory, [weights_bytes(work, *each) for each in plan.parts], 1),
    ]
    spare = Spare()
    for name, where, needed, count in sizes:
        for _ in range(count if max(needed) else 0):
            address = where.take(max(needed))
            if address is None:
                return None
            getattr(spare, name).append(address)
    return spare


class NodeEmitter:
    """Adds a node's steps to a program.

    Parameters
    ----------
    emitter:
        The program.
    work, plan:
        The node, and its parts.
    held:
        Buffers of whole tensors.
    spare:
        Addresses of its own buffers.
    """

    def __init__(
        self, emitter: Emitter, work: Work, plan: Plan, held: Mapping[str, Buffer], spare: Spare
    ) -> None:
        self.emitter, self.work, self.plan, self.spare = emitter, work, plan, spare
        self.block = work.grid.block
        self.streams = work.weighted and work.grid.streams
        self.sources = [held[name] for name in work.node.inputs if name in held and not plan.reads]
        self.target = [] if plan.writes else [held[work.node.output]]
        self.sums: list[Buffer] = []

    def emit(self) -> None:
        """Add all steps."""
        work, plan, emitter = self.work, self.plan, self.emitter
        before: tuple[Part, Tiling] | None = None
        weights = 0
        for part, tiling in plan.parts:
            if plan.reads and not same_input(work, part, before and before[0]):
                self.sources = self._load_inputs(part)
            if work.weighted and not same_tiles((part, tiling), before):
                weights = emitter.load_weights(work, part, tiling, self.spare.weights[0]).number
            channels = part.outputs[0] * self.block, part.outputs[1] * self.block
            results = work.node.channel + channels[0], channels[1]
            if plan.writes and not part.accumulate:
                address = self.spare.output[0]
                self.target = [emitter.buffer(work.node.output, address, part.down, part.across, results)]
            if not (part.accumulate or part.finish):
                self._hold_sums(part, channels)
            self._passes(part, tiling, weights)
            if plan.writes and part.finish:
                emitter.write(self.target[0], part.across, results)
            before = part, tiling

    def _load_inputs(self, part: Part) -> list[Buffer]:
        """Load a part's inputs from DDR."""
        work = self.work
        blocks = part.inputs if work.weighted else part.outputs
        first, rows, _, _ = work.down(part.down)
        channels = blocks[0] * self.block, blocks[1] * self.block
        buffers = []
        for operand, (name, address) in enumerate(zip(work.node.inputs, self.spare.inputs, strict=True)):
            y, x = work.node.origin(operand)
            seen = [(begin + x, count) for begin, count, *_ in map(work.across, part.across)]
            buffers.append(self.emitter.buffer(name, address, (first + y, rows), seen, channels))
            self.emitter.load(buffers[-1])
        return buffers

    def _hold_sums(self, part: Part, channels: Span) -> None:
        """Say where partial sums of some channels are from here on."""
        name, address = f"sums:{self.work.node.name}", self.spare.sums[0]
        self.sums = [self.emitter.buffer(name, address, part.down, part.across, channels, SUM_BYTES)]

    def _passes(self, part: Part, tiling: Tiling, weights: int) -> None:
        after = 0
        chains = self.work.chains(part.down, tiling.rows)
        within = part.finish and not part.accumulate and sums_bytes(self.work, part, tiling) > 0
        for each in passes(self.work, part, tiling):
            if each.loads:
                size = chunk_bytes(self.work, each.cores, each.inputs)
                if within and not each.accumulate:
                    self._hold_sums(part, (each.outputs[0] * self.block, each.outputs[1] * self.block))
                load = LoadWM(iterations=1, weights=weights, offset=after, bytes=size)
                after += size
                if not self.work.grid.streams:
                    self.emitter.steps.append(load)
            for chain in chains:
                stream = [replace(load, iterations=chain.iterations)] if self.streams else []
                self._chain(tiling, each, chain, stream)

    def _chain(self, tiling: Tiling, each: Pass, chain: Chain, stream: Sequence[LoadWM]) -> None:
        """Add a chain: LOADFM of every operand and of partial sums, weights that stream, CONV, WRITEFM."""
        work, steps = self.work, self.emitter.steps
        seen = [work.across(span) for span in each.across]
        width = max(count for _, count, *_ in seen)
        for operand in range(work.operands):
            core = operand * work.read_bytes(chain.seen, width, each.inputs[1]) // work.operands
            steps.append(self._load_strip(operand, core, each, chain, seen))
        x, across = begins_and_widths(each.across)
        results = {
            "iterations": chain.iterations,
            "y": chain.y,
            "rows": chain.rows,
            "step": chain.rows,
            "channels": each.cores[0][1] * self.block,
            "limit": each.outputs[1] * self.block,
        }
        first = each.outputs[0] * self.block
        if each.accumulate and not tiling.stays:
            steps.append(
                LoadFM(
                    **self.emitter.lock(writes=False, sums=True),
                    buffer=self.sums[0].number,
                    core=0,
                    channel=first,
                    sums=1,
                    x=x,
                    width=across,
                    **results,
                )
            )
        steps += [*stream, self._compute(each, chain, seen)]
        if each.finish or not tiling.stays:
            buffer = self.target[0] if each.finish else self.sums[0]
            steps.append(
                WriteFM(
                    **self.emitter.lock(writes=True),
                    buffer=buffer.number,
                    channel=first + (work.node.channel if each.finish else 0),
                    x=x,
                    width=across,
                    **results,
                )
            )

    def _load_strip(
        self, operand: int, core: int, each: Pass, chain: Chain, seen: Sequence[Sequence[int]]
    ) -> LoadFM:
        down, right = self.work.node.origin(operand)
        x, width = begins_and_widths([(own[0] + right, own[1]) for own in seen])
        return LoadFM(
            **self.emitter.lock(writes=False),
            iterations=chain.iterations,
            buffer=self.sources[operand].number,
            core=core,
            y=chain.first + down,
            rows=chain.seen,
            step=chain.rows * self.work.node.layer.stride,
            x=x,
            width=width,
            channel=each.inputs[0] * self.block,
            channels=each.inputs[1] * self.block,
            limit=each.inputs[1] * self.block,
            sums=0,
        )

    def _compute(self, each: Pass, chain: Chain, seen: Sequence[Sequence[int]]) -> Conv:
        node = self.work.node
        scale, shift = scale_of(node)
        return Conv(
            iterations=chain.iterations,
            kind=node.kind.value,
            kernel=node.layer.kernel,
            stride=node.layer.stride,
            rows=chain.rows,
            width=begins_and_widths(each.across)[1],
            above=chain.above,
            below=chain.below,
            left=tuple(own[2] for own in seen),
            right=tuple(own[3] for own in seen),
            inputs=each.inputs[1] * self.block,
            outputs=each.cores[0][1] * self.block,
            limit=each.outputs[1] * self.block,
            blocks=most_blocks(self.work, each),
            accumulate=int(each.accumulate),
            finish=int(each.finish),
            relu=int(node.relu),
            scale=scale,
            shift=shift,
        )
