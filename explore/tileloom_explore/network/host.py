"""Segments of a network that the host runs: ONNX models of their own, by onnxruntime, node for node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from tileloom.errors import UserError

from .onnx_file import name_of

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(eq=False)
class Segment:
    """Nodes that the host runs together.

    Attributes
    ----------
    model:
        An ONNX model of these nodes and their constants, its inputs without types.
    inputs, outputs:
        Tensors that others make, or read.
    operators:
        Of the nodes.
    """

    model: onnx.ModelProto
    inputs: list[str]
    outputs: list[str]

    @property
    def operators(self) -> list[str]:
        """Operator of each node."""
        return [node.op_type for node in self.model.graph.node]

    def run(self, tensors: Mapping[str, npt.NDArray[Any]]) -> Tensors:
        """Return the outputs, computed by onnxruntime. Raises UserError as it fails."""
        session = self._session
        try:
            values = session.run(self.outputs, {name: tensors[name] for name in self.inputs})
        except Exception as error:  # onnxruntime has many
            raise self._failed(error) from None
        return dict(zip(self.outputs, values, strict=True))

    def prepare(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Give the model's inputs the types of these tensors, which it needs to run."""
        for each in self.model.graph.input:
            if not isinstance(tensors[each.name], np.ndarray):
                raise UserError(f"{each.name}: no tensor; a layer stands between a sequence and who reads it")
            if not each.type.HasField("tensor_type"):
                kind = onnx.helper.np_dtype_to_tensor_dtype(tensors[each.name].dtype)
                each.type.tensor_type.elem_type = kind

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what it fails with is told here
        # Operators as they are, so that results do not depend on what a version of it fuses.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return onnxruntime.InferenceSession(
                self.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> UserError:
        nodes = ", ".join(name_of(node) for node in self.model.graph.node[:3])
        text = " ".join(str(error).split())
        return UserError(f"onnxruntime cannot run {nodes}: {text[:200]}")
