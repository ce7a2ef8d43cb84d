"""A network in which a sub-graph is computed tile by tile: the loop over its tiles is unrolled.

What the paper calls the iteration layers are tensors here: the tiles of what the sub-graph reads, which
overlap, and those of its result, which do not::

    image --+-- image@0 --> conv@0 --> pool@0 --> out@0 --+-- out
            '-- image@1 --> conv@1 --> pool@1 --> out@1 --'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tileloom_golden.engine.layer import Layer

from ..graph import Graph, Node, Tensor
from ..work import spans
from .projection import Box, project, read_box


@dataclass(frozen=True)
class Group:
    """A sub-graph: nodes in a row of the schedule, whose results are read outside of one tensor alone.

    Attributes
    ----------
    graph:
        The network.
    begin, end:
        Which nodes: the first, and the one behind the last.

    Raises
    ------
    ValueError
        There are no nodes, other nodes read more than one of their results, or one of their results is also
        written by other nodes, read within, or in tiles already.
    """

    graph: Graph
    begin: int
    end: int

    def __post_init__(self) -> None:
        graph, inside = self.graph, self.nodes
        if not inside:
            raise ValueError("the sub-graph has no nodes")
        others = (*graph.nodes[: self.begin], *graph.nodes[self.end :])
        made = {node.output for node in inside}
        for node in others:
            if node.output in made:
                raise ValueError(f"{node.output} is written by {node.name} too, outside of the sub-graph")
        for node in inside:
            for name in (*node.inputs, node.output):
                if graph.tensors[name].of or graph.tiles(name):
                    raise ValueError(f"{name} is in tiles already")
        if len(self._outputs) != 1:
            found = ", ".join(sorted(self._outputs)) or "nothing"
            raise ValueError(f"{found} is read outside of the sub-graph, not one tensor")
        for node in inside:
            if self.output in node.inputs:
                raise ValueError(f"{node.name} reads {self.output}, which is read outside too")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The sub-graph's nodes."""
        return self.graph.nodes[self.begin : self.end]

    @property
    def _outputs(self) -> set[str]:
        read = {name for node in self.graph.nodes[self.end :] for name in node.inputs}
        return {node.output for node in self.nodes} & (read | set(self.graph.outputs))

    @property
    def output(self) -> str:
        """The tensor that is its result."""
        return next(iter(self._outputs))

    @property
    def inputs(self) -> list[str]:
        """The tensors from outside that it reads."""
        made = {node.output for node in self.nodes}
        return list(dict.fromkeys(name for node in self.nodes for name in node.inputs if name not in made))

    def boxes(self, down: int, across: int) -> list[Box]:
        """Return the tiles of the result: at most so many even parts of its rows, and of its pixels."""
        tensor = self.graph.tensors[self.output]
        return [
            (rows, pixels) for rows in spans(tensor.height, down) for pixels in spans(tensor.width, across)
        ]


def named(graph: Graph, first: str, last: str) -> Group:
    """Return the sub-graph from one node to another. Raises ValueError as `Group`, or for another name."""
    names = [node.name for node in graph.nodes]
    for name in (first, last):
        if name not in names:
            raise ValueError(f"{graph.name} has no {name}")
    return Group(graph, names.index(first), names.index(last) + 1)


def fused(group: Group, down: int, across: int) -> Graph:
    """Return the network with a sub-graph in down x across tiles of its result, one after another."""
    graph = group.graph
    tensors, nodes = dict(graph.tensors), [*graph.nodes[: group.begin]]
    made = {node.output for node in group.nodes}
    for number, box in enumerate(group.boxes(down, across)):
        boxes = project(group.nodes, group.output, box)
        for name, (rows, pixels) in boxes.items():
            tile = Tensor(f"{name}@{number}", rows[1], pixels[1], graph.tensors[name].channels)
            if name == group.output or name not in made:
                tile = replace(tile, of=name, y=rows[0], x=pixels[0])
            tensors[tile.name] = tile
        nodes += [_tile(node, number, boxes) for node in group.nodes]
    for name in made - {group.output}:
        del tensors[name]
    return replace(graph, tensors=tensors, nodes=(*nodes, *graph.nodes[group.end :]))


def _tile(node: Node, number: int, boxes: dict[str, Box]) -> Node:
    """Return the node that computes a box of a node's output."""
    (rows, pixels), pads = read_box(node, boxes[node.output])
    layer = Layer(
        height=rows[1],
        width=pixels[1],
        channels=node.layer.channels,
        outputs=node.layer.outputs,
        kernel=node.layer.kernel,
        stride=node.layer.stride,
        pads=pads,
    )
    return replace(
        node,
        name=f"{node.name}@{number}",
        layer=layer,
        inputs=tuple(f"{name}@{number}" for name in node.inputs),
        output=f"{node.output}@{number}",
        origins=tuple((rows[0] - boxes[name][0][0], pixels[0] - boxes[name][1][0]) for name in node.inputs),
        of=node.owner,
    )


def extra(group: Group, tiled: Graph) -> float:
    """Return the multiplications of a network's tiles over those of the sub-graph that they are of."""
    plain = sum(node.layer.macs for node in group.nodes if node.kind.weighted)
    names = {node.name for node in group.nodes}
    tiles = sum(node.layer.macs for node in tiled.nodes if node.of in names and node.kind.weighted)
    return tiles / plain if plain else 1.0


def steps_of(group: Group, tiled: Graph) -> Sequence[str]:
    """Return the names of a tiled network's nodes that are of the sub-graph."""
    names = {node.name for node in group.nodes}
    return [node.name for node in tiled.nodes if node.owner in names]


def alone(group: Group) -> Graph:
    """Return a sub-graph as a network of its own."""
    names = {name for node in group.nodes for name in (*node.inputs, node.output)}
    tensors = {name: tensor for name, tensor in group.graph.tensors.items() if name in names}
    return Graph(group.graph.name, tensors, group.nodes, tuple(group.inputs), (group.output,))
