"""Products of two activations cut out of what the host runs: scores of queries and keys, and their use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto

from tileloom.systolic.config import SystolicConfig
from tileloom_golden.systolic.attention import computed_product
from tileloom_sim.systolic.reference import operand_format

from .graph import reads
from .host import Segment, Tensors
from .onnx_file import name_of
from .schedule import Step


@dataclass(frozen=True, eq=False)
class ComputedProduct:
    """A MatMul of tensors that are both computed.

    Attributes
    ----------
    name:
        Of the node.
    left, right:
        Tensors, ... x M x K and ... x K x N.
    output:
        Tensor.
    """

    name: str
    left: str
    right: str
    output: str

    @property
    def inputs(self) -> list[str]:
        """Left and right."""
        return [self.left, self.right]

    def run(self, tensors: Mapping[str, npt.NDArray[np.float32]], config: SystolicConfig) -> Tensors:
        """Return the output by the golden model of an array, the right tensor as its weights."""
        left, right = (np.asarray(tensors[name], np.float32) for name in self.inputs)
        product = computed_product(
            left,
            right,
            weight_format=operand_format(config.weight),
            rows=config.rows,
            columns=config.columns,
            rounding=config.rounding.value,
        )
        return {self.output: product}


def with_products(steps: Sequence[Step]) -> list[Step | ComputedProduct]:
    """Return steps with each product of two computed tensors as a step of its own."""
    found: list[Step | ComputedProduct] = []
    for step in steps:
        found += split_segment(step) if isinstance(step, Segment) else [step]
    return found


def split_segment(segment: Segment) -> list[Segment | ComputedProduct]:
    """Return a segment's products of two computed tensors, and segments of what stands around them."""
    graph = segment.model.graph
    constants = {each.name for each in graph.initializer}
    # How many products stand before a tensor, on the longest way.
    depth = dict.fromkeys([*segment.inputs, *constants], 0)
    parts: dict[int, list[NodeProto]] = {}
    products: dict[int, list[ComputedProduct]] = {}
    for node in graph.node:
        level = max((depth[name] for name in reads(node)), default=0)
        computed = node.op_type == "MatMul" and not constants & set(node.input)
        if computed:
            left, right = node.input
            product = ComputedProduct(name_of(node), left, right, node.output[0])
            products.setdefault(level, []).append(product)
        else:
            parts.setdefault(level, []).append(node)
        depth |= dict.fromkeys(node.output, level + computed)
    if not products:
        return [segment]
    steps: list[Segment | ComputedProduct] = []
    for level in range(max([*parts, *products]) + 1):
        nodes = parts.get(level, [])
        others = {name for each, some in parts.items() if each != level for n in some for name in reads(n)}
        others |= {name for some in products.values() for each in some for name in each.inputs}
        if nodes:
            steps.append(_part(segment, nodes, others | set(segment.outputs)))
        steps += products.get(level, [])
    return steps


def _part(segment: Segment, nodes: Sequence[NodeProto], read_elsewhere: set[str]) -> Segment:
    """Return some nodes of a segment as a segment."""
    graph = segment.model.graph
    made = {name for node in nodes for name in node.output}
    read = {name for node in nodes for name in reads(node)} - made
    constants = [each for each in graph.initializer if each.name in read]
    inputs = sorted(read - {each.name for each in constants})
    outputs = sorted(made & read_elsewhere)
    whole = onnx.helper.make_graph(
        nodes,
        "host",
        [onnx.ValueInfoProto(name=name) for name in inputs],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        constants,
    )
    model = onnx.helper.make_model(
        whole,
        opset_imports=segment.model.opset_import,
        ir_version=segment.model.ir_version,
    )
    return Segment(model, inputs, outputs)
