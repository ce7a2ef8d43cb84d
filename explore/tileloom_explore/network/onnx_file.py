"""An ONNX file: read with what lies beside it, checked, the sizes that it leaves open filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError, Message
from onnx import ModelProto, NodeProto, TensorProto, external_data_helper

from tileloom.errors import UserError

LEAST_OPSET = 9
"""Of the default domain. Since then products and convolutions have got more types, and no other meaning;
nodes that the host runs mean what their opset says."""

Shape = tuple[int, ...]


def load_model(path: Path) -> ModelProto:
    """Read a model, checked, with all of its external data.

    Raises
    ------
    UserError
        It cannot be read, is no ONNX model of opset 9 or later, or misses external data.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError:
        raise UserError(f"{path}: not an ONNX file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    if not model.graph.node:
        raise UserError(f"{path}: not an ONNX model: it has no nodes")
    for number, node in enumerate(model.graph.node):
        _require_text(f"{path}: node {number}", node)
    _require_text(str(path), model)
    _check_opset(path, model)
    _load_external(path, model)
    if not all(each.type.tensor_type.HasField("shape") for each in model.graph.output):
        model = onnx.shape_inference.infer_shapes(model)  # the checker wants one, onnxruntime does not
    for each in model.graph.output:
        if each.type.WhichOneof("value") is None:
            raise UserError(f"{path}: output {each.name}: its type is not known; give it one in the file")
        if each.type.HasField("tensor_type") and not each.type.tensor_type.HasField("shape"):
            raise UserError(f"{path}: output {each.name}: its rank is not known; give it a shape in the file")
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise UserError(f"{path}: {message_line(error)}") from None
    return model


def name_of(node: NodeProto) -> str:
    """Return what a node is called: its name, or its first output's."""
    return node.name or node.output[0]


def _require_text(where: str, message: Any) -> None:
    """Raise UserError for a name or another text, at any depth, that is no UTF-8."""
    if isinstance(message, TensorProto):  # its values, of any size, are no texts
        texts, inner = [message.name], []
    else:
        fields = message.ListFields()
        texts = [value for field, value in fields if field.type == field.TYPE_STRING]
        inner = [value for field, value in fields if field.type == field.TYPE_MESSAGE]
    for text in texts:
        for each in [text] if isinstance(text, str | bytes) else text:
            if isinstance(each, bytes):  # as protobuf has what it cannot decode
                raise UserError(f"{where}: {each.decode(errors='backslashreplace')} is no UTF-8 text")
    for value in inner:
        for each in [value] if isinstance(value, Message) else value:
            _require_text(where, each)


def _load_external(path: Path, model: ModelProto) -> None:
    """Read the tensors that are in files of their own. Raises UserError with the node that reads one."""
    readers = {name: node for node in reversed(model.graph.node) for name in node.input}
    for tensor in model.graph.initializer:
        if not external_data_helper.uses_external_data(tensor):
            continue
        file = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        reader = readers.get(tensor.name)
        who = "" if reader is None else f"{name_of(reader)} ({reader.op_type}): "
        what = f"{path}: {who}{tensor.name}: external data {file}"
        if not (path.parent / file).is_file():
            raise UserError(f"{what}: there is no such file")
        try:
            external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
        except (onnx.checker.ValidationError, ValueError, OSError) as error:
            raise UserError(f"{what}: {message_line(error)}") from None
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))  # those in attributes
    except (onnx.checker.ValidationError, ValueError, OSError) as error:
        raise UserError(f"{path}: external data: {message_line(error)}") from None


def message_line(error: Exception) -> str:
    """Return a message of onnx in one line: the node is often named in a later one."""
    return " ".join(str(error).replace("==> Context:", "").split())[:300]


def _check_opset(path: Path, model: ModelProto) -> None:
    """Raise UserError for a file of before the operators that become layers meant what they do."""
    version = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), None)
    if version is not None and version < LEAST_OPSET:
        raise UserError(
            f"{path}: opset {version}; convert the model to {LEAST_OPSET} or later (onnx.version_converter)"
        )


def sized_inputs(
    path: Path, model: ModelProto, given: Mapping[str, Shape]
) -> Iterator[tuple[str, tuple[Shape, str]]]:
    """Yield name, shape and dtype of each input that is no initialiser."""
    held = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in held]
    for name in given:
        if name not in {each.name for each in inputs}:
            raise UserError(
                f"--shape {name}: {path} has no such input; inputs: {', '.join(each.name for each in inputs)}"
            )
    for each in inputs:
        tensor = each.type.tensor_type
        if not each.type.HasField("tensor_type") or not tensor.HasField("shape"):
            raise UserError(f"{path}: input {each.name}: a tensor of known rank is needed")
        # A size that is left open has a name, is missing, or is -1.
        there = [dim.dim_value if dim.dim_value > 0 else dim.dim_param or "?" for dim in tensor.shape.dim]
        shown = ",".join(map(str, there))
        shape = given.get(each.name)
        if shape is None:
            if not all(isinstance(size, int) for size in there):
                raise UserError(
                    f"{path}: input {each.name} has the shape {shown}: say its sizes, --shape {each.name}=..."
                )
            shape = tuple(int(size) for size in there)
        elif len(shape) != len(there) or any(
            isinstance(size, int) and size != own for size, own in zip(there, shape, strict=True)
        ):
            raise UserError(f"--shape {each.name}={','.join(map(str, shape))}: {path} has {shown}")
        for dim, size in zip(tensor.shape.dim, shape, strict=True):
            dim.dim_value = size
        if tensor.elem_type not in TensorProto.DataType.values():
            raise UserError(f"{path}: input {each.name}: there is no type {tensor.elem_type}")
        yield each.name, (shape, str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)))
