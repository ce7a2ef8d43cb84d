"""Whether a node that is to be a layer can be one: finite weights, shapes and attributes that agree.

The second is what onnx knows of its operators, asked of the node alone: its inference over the whole model
passes over mistakes.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto

from tileloom.errors import UserError
from tileloom_golden.checks import first

from .graph import Graph


def check_node(graph: Graph, node: NodeProto) -> None:
    """Raise UserError for a constant input that is NaN or infinite, or shapes and attributes that cannot be.

    What has no known shape is seen to as data comes (`Layer.image`).
    """
    for name in node.input:
        array = graph.constant(name)
        if array is not None and array.dtype.kind not in "iub":
            wrong = ~np.isfinite(array.astype(np.float64))
            if wrong.any():
                raise UserError(f"{name}{first(wrong)} is NaN or infinite")
    inputs = [name for name in node.input if name]
    if not all(name in graph.shapes and name in graph.dtypes for name in inputs):
        return
    types = {
        name: onnx.helper.make_tensor_type_proto(
            onnx.helper.np_dtype_to_tensor_dtype(np.dtype(graph.dtypes[name])), graph.shapes[name]
        )
        for name in inputs
    }
    version = next(each.version for each in graph.model.opset_import if each.domain in ("", "ai.onnx"))
    try:
        onnx.shape_inference.infer_node_outputs(onnx.defs.get_schema(node.op_type, version), node, types)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as error:
        raise UserError(str(error).removeprefix("[ShapeInferenceError] ").strip().splitlines()[0]) from None
