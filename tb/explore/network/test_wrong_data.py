"""Mistakes in data, functions and files given to `tileloom network`: one line each, nothing written."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from explore.network.models import make, save
from explore.network.test_command import figures, folder, mistake, run
from support.seed import SEED
from tileloom.errors import UserError
from tileloom_explore.network.data import read_archive
from tileloom_explore.network.prepared import read_prepared

__all__ = ["folder"]

PREPARE = ("prepare", "m.onnx", "-o", "p.tileloom.npz", "--for")
RUN = ("run", "p.tileloom.npz", "stream-8x8-fp32", "--data")

FUNCTIONS = """
def nothing(found, wanted): return None
def fails(found, wanted): raise KeyError("seldom")
def scores(found, wanted): return found
def one(found): return 1.0
def changing(found, wanted): return {str(found.sum()): 1.0}
def right(found, wanted): return {"a": 1, "b": 0.5}
"""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nothing", "TypeError: float() argument must be a string or a real number, not 'NoneType'"),
        ("fails", "KeyError: 'seldom'"),
        ("scores", "TypeError: only"),
        ("one", "TypeError: one() takes 1 positional argument but 2 were given"),
        ("changing", "it names other figures of the hardware than of the original"),
    ],
)
def test_functions_that_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch, function: str, message: str
) -> None:
    Path("judge.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(folder))
    figures(*PREPARE, "stream-8x8-int8")
    ran = ("run", "p.tileloom.npz", "stream-8x8-int8", "--data", "x.npz", "-o", "y.npz", "--metric")
    assert mistake(*ran, f"judge:{function}").startswith(f"--metric judge:{function}: {message}")
    assert not Path("y.npz").exists()
    found = figures(*ran, "judge:right")["accuracy"]
    assert found == {"a": {"hardware": 1, "original": 1}, "b": {"hardware": 0.5, "original": 0.5}}


def test_data_beyond_the_type_of_an_input(folder: Path) -> None:
    figures(*PREPARE, "stream-8x8-fp32")
    np.savez("d.npz", x=np.full((1, 20), 1e300))
    assert mistake(*RUN, "d.npz") == "d.npz: x[0, 0] is NaN, infinite or beyond float32"


@pytest.mark.parametrize("read", [read_archive, read_prepared])
def test_archives_with_any_byte_wrong(folder: Path, read: Callable[[Path], Any]) -> None:
    rng = np.random.default_rng(SEED)
    if read is read_prepared:
        figures(*PREPARE, "stream-8x8-int8")
        content = Path("p.tileloom.npz").read_bytes()
    else:
        np.savez_compressed("d.npz", x=rng.normal(size=(20, 20)).astype(np.float32))
        content = Path("d.npz").read_bytes()
    refused = 0
    for place in rng.choice(len(content), 300, replace=False):
        wrong = bytearray(content)
        wrong[place] ^= 1 + int(rng.integers(255))
        Path("wrong.npz").write_bytes(wrong)
        try:
            read(Path("wrong.npz"))  # a byte of the time, say, is nobody's
        except UserError as error:
            refused += 1
            assert str(error).startswith("wrong.npz: "), place
    assert refused > 150
    np.save("array.npy", np.zeros((2, 20)))
    with pytest.raises(UserError, match=r"^array\.npy: not an? "):
        read(Path("array.npy"))


def test_external_data_that_is_cut_or_not_there(folder: Path) -> None:
    onnx.save(onnx.load("m.onnx"), "e.onnx", save_as_external_data=True, location="bin", size_threshold=0)
    whole = Path("bin").read_bytes()
    Path("bin").write_bytes(whole[:100])
    told = "e.onnx: fc0 (Gemm): w0: external data bin: "
    assert mistake("show", "e.onnx").startswith(f"{told}External data length (1920) exceeds available data")
    Path("bin").unlink()
    assert mistake("show", "e.onnx") == f"{told}there is no such file"


def test_names_that_are_no_text(folder: Path) -> None:
    content = Path("m.onnx").read_bytes()
    for name, place in (("fc1", "node 2"), ("w0", "node 0"), ("x", "node 0"), ("test", "t.onnx")):
        wrong = content.replace(name.encode(), b"\xff" * len(name))
        Path("t.onnx").write_bytes(wrong)
        where, shown = ("t.onnx" if place == "t.onnx" else f"t.onnx: {place}"), r"\xff" * len(name)
        assert mistake("show", "t.onnx") == f"{where}: {shown} is no UTF-8 text"


def test_tensors_of_no_type(folder: Path) -> None:
    model = onnx.load("m.onnx")
    model.graph.value_info[0].type.tensor_type.elem_type = 84  # what follows from the rest is not asked
    onnx.save(model, "t.onnx")
    assert len(figures("show", "t.onnx")["layers"]) == 2
    model.graph.initializer[0].data_type = 97
    onnx.save(model, "t.onnx")
    assert mistake("show", "t.onnx") == "t.onnx: initialiser w0: no array of type 97 can be read"
    model.graph.input[0].type.tensor_type.elem_type = 84
    onnx.save(model, "t.onnx")
    assert mistake("show", "t.onnx") == "t.onnx: input x: there is no type 84"


def test_options_that_change_nothing(folder: Path) -> None:
    told = mistake(*PREPARE, "stream-8x8-fp32", "--per", "tensor")
    assert told == "--per: scales are of integer weights, and this hardware keeps them as floats"
    figures(*PREPARE, "stream-8x8-int8", "--per", "tensor")


def test_shapes_that_data_decides(folder: Path) -> None:
    weights = {"w": np.eye(4, 5, dtype=np.float32), "v": np.ones((2, 5), np.float32)}
    nodes = [make("MatMul", ["x", "w"], ["h"], "product"), make("NonZero", ["h"], ["y"])]
    save(Path("n.onnx"), nodes, {"x": ("float32", [1, 4])}, ["y"], weights)
    figures("prepare", "n.onnx", "-o", "p.tileloom.npz", "--for", "stream-8x8-fp32")
    np.savez("d.npz", x=np.array([[1, 0, 2, 0], [0, 0, 0, 3]], np.float32))
    assert mistake(*RUN, "d.npz") == "output y has the shape (2, 2), and (2, 1) of another inference"
    nodes[1:] = [
        make("NonZero", ["x"], ["i"]),
        make("Cast", ["i"], ["f"], to=1),
        make("Transpose", ["f"], ["t"]),
        make("MatMul", ["t", "v"], ["y"], "behind"),
    ]
    save(Path("n.onnx"), nodes[1:], {"x": ("float32", [1, 4])}, ["y"], weights)
    assert mistake("show", "n.onnx") == "behind (MatMul): a window of 1 x 1 does not fit 1 x 0"


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("onnx", ("show", "m.onnx")),
        ("safetensors", ("show", "m.safetensors", "--layout", "NK")),
        ("matplotlib", (*RUN, "x.npz", "--chart", "c.svg")),
    ],
)
def test_a_package_that_is_not_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, arguments: tuple[str, ...]
) -> None:
    figures(*PREPARE, "stream-8x8-fp32")
    Path("m.safetensors").write_bytes(b"")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.strip() == f"Error: {package} is not installed: pip install 'tileloom[network]'"


def test_an_input_may_be_called_labels(folder: Path) -> None:
    weights = {"w": np.eye(20, 3, dtype=np.float32)}
    node = make("MatMul", ["labels", "w"], ["y"], "product")
    save(Path("l.onnx"), [node], {"labels": ("float32", [1, 20])}, ["y"], weights)
    figures("prepare", "l.onnx", "-o", "p.tileloom.npz", "--for", "stream-8x8-fp32")
    with np.load("x.npz") as archive:
        np.savez("l.npz", labels=archive["x"])
    assert figures(*RUN, "l.npz")["inferences"] == 40
    assert mistake(*RUN, "l.npz", "--labels").startswith("l.npz: labels: missing, to compare answers with")


def test_a_layer_without_signal_is_not_exact(folder: Path) -> None:
    # 1 + 1 + 1 - 3 is nothing; rounded to steps of 3 / 127 it is not: 42 + 42 + 42 - 127.
    weights = {"w": np.tile([[1.0], [1.0], [1.0], [-3.0]], (1, 3)).astype(np.float32)}
    node = make("MatMul", ["x", "w"], ["y"], "product")
    save(Path("n.onnx"), [node], {"x": ("float32", [1, 4])}, ["y"], weights)
    figures("prepare", "n.onnx", "-o", "p.tileloom.npz", "--for", "stream-8x8-int8")
    for value, exact, shown in ((0.0, True, "exact"), (1.0, False, "signal")):
        np.savez("d.npz", x=np.full((1, 4), value, np.float32))
        ran = ("run", "p.tileloom.npz", "stream-8x8-int8", "--data", "d.npz")
        (layer,) = figures(*ran)["layers"]
        assert (layer["sqnr_db"], layer["exact"]) == (None, exact)
        assert shown in run(*ran).stdout.split("SQNR")[1]


def test_preparing_tells_what_is_left_to_the_host(folder: Path) -> None:
    nodes = [make("MatMul", ["x", "w"], ["h"], "product"), make("ConvTranspose", ["h", "v"], ["y"], "up")]
    weights = {"w": np.ones((4, 4), np.float32), "v": np.ones((2, 3, 2, 2), np.float32)}
    save(Path("n.onnx"), nodes, {"x": ("float32", [1, 2, 4, 4])}, ["y"], weights)
    told = run("prepare", "n.onnx", "-o", "p.tileloom.npz", "--for", "stream-8x8-fp32").stdout
    assert "Left to the host" in told
    assert "ConvTranspose: no layer is made of it" in told


def test_types_of_single_layers(folder: Path) -> None:
    from safetensors.numpy import save_file

    options = ("--layout", "NK", "--shape", "x=2,6")
    save_file({"weight": np.ones((4, 6), ml_dtypes.bfloat16)}, "b.safetensors")
    assert figures("show", "b.safetensors", *options)["layers"][0]["macs"] == 48
    header = b'{"weight":{"dtype":"F8_E4M3","shape":[4,6],"data_offsets":[0,24]}}'
    Path("f.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    told = mistake("show", "f.safetensors", *options)
    assert told.startswith("f.safetensors: a tensor of a type that NumPy does not have: ")
    assert "float8_e4m3" in told
    np.savez("w.npz", weight=np.full((4, 6), 1e300))
    assert mistake("show", "w.npz", *options).startswith("w.npz: weight: element [0, 0] is inf")
