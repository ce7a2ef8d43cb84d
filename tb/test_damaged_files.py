"""Files that were damaged anywhere, and values that nobody would type: read, or refused in one line.

Each kind of file that a user gives starts whole and loses, gains, repeats and changes bytes (hypothesis). It
is read, or there is a UserError whose line begins with the file's name.
"""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as save_tensors

from explore.network.models import make, save
from test_documented_commands import ROOT
from tileloom import scratch
from tileloom.cli.main import main
from tileloom.errors import UserError
from tileloom.families import load, presets
from tileloom_explore.model.specification import read_specification
from tileloom_explore.network.data import read_archive
from tileloom_explore.network.energy import KEYS, MODES, read_energy
from tileloom_explore.network.network import read_network
from tileloom_explore.network.prepare import prepare
from tileloom_explore.network.prepared import read_prepared, to_bytes
from tileloom_explore.network.single import Single, read_single
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.xfu.packing import Layout, pack, unpack
from tileloom_golden.xfu.sparsity import prune_nm
from tileloom_sim.arrays import read_array
from tileloom_sim.engine.descriptor import PLACES, Descriptor
from tileloom_synth.library.standard_cells import load as load_library

TRIED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TRIED_LONG = settings(TRIED, max_examples=3000)

TOML = """\
family = "engine"
k = 4
n = 8
bus = 128
core = "dot-product"
requantise = true
"""


def arrays() -> bytes:
    """Return an archive of two arrays."""
    file = io.BytesIO()
    np.savez(file, x=np.arange(6, dtype=np.float32).reshape(2, 3), labels=np.array([1, 2]))
    return file.getvalue()


def array() -> bytes:
    """Return a file of one array."""
    file = io.BytesIO()
    np.save(file, np.arange(12, dtype=np.float32).reshape(3, 4))
    return file.getvalue()


@cache
def model() -> bytes:
    """Return a model of two layers."""
    rng = np.random.default_rng(0)
    constants = {
        "kernel": rng.normal(size=(3, 2, 3, 3)).astype(np.float32),
        "bias": rng.normal(size=3).astype(np.float32),
        "weights": rng.normal(size=(48, 5)).astype(np.float32),
    }
    nodes = [
        make("Conv", ["image", "kernel", "bias"], ["a"], "first", pads=[1, 1, 1, 1]),
        make("Relu", ["a"], ["b"]),
        make("Flatten", ["b"], ["c"]),
        make("MatMul", ["c", "weights"], ["scores"], "last"),
    ]
    with scratch.folder() as folder:
        path = save(folder / "m.onnx", nodes, {"image": ("float32", [1, 2, 4, 4])}, ["scores"], constants)
        return path.read_bytes()


@cache
def prepared() -> bytes:
    """Return the model as ``tileloom network prepare`` writes it."""
    with scratch.folder() as folder:
        path = folder / "m.onnx"
        path.write_bytes(model())
        return to_bytes(prepare(read_network(path), load("stream-8x8-int8")).prepared)


ENERGY = {
    "name": "stream_8x8_int8",
    "library": "a",
    "met": True,
    "period_ps": 2000,
    "leakage_uw": {"mesh": 3.0},
    **{f"{mode}_cycle_j": dict.fromkeys(KEYS, 1e-12) for mode in MODES},
}

Reader = Callable[[Path], Any]
KINDS: dict[str, tuple[str, Callable[[], bytes], Reader]] = {
    "configuration": ("toml", TOML.encode, lambda path: load(path)),
    "specification": (
        "toml",
        (ROOT / "examples/sparseloop/sparse_product.toml").read_bytes,
        read_specification,
    ),
    "array": ("npy", array, read_array),
    "archive": ("npz", arrays, read_archive),
    "tensors": (
        "safetensors",
        lambda: save_tensors({"a.weight": np.ones((3, 4), np.float32)}),
        lambda path: read_single(path, Single("NK"), {"x": (2, 4)}),
    ),
    "model": ("onnx", model, read_network),
    "prepared": ("tileloom.npz", prepared, read_prepared),
    "energy": (
        "json",
        json.dumps(ENERGY).encode,
        lambda path: read_energy(path, load("stream-8x8-int8")),
    ),
    "liberty": (
        "lib",
        (ROOT / "tb/synth/dialects/nangate45.lib").read_bytes,
        lambda path: load_library([path]),
    ),
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return a file with one to four edits."""
    content = whole
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        count = draw(st.integers(0, 40))
        new = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b"", b"\n", b'"', b"{", b"}", b"(", b"[", b"-", b"9" * 30, b"1e999", b"nan"]
                ),
                st.just(content[place : place + count] * 2),
            )
        )
        content = content[:place] + new + content[place + count :]
        if draw(st.integers(0, 5)) == 0:
            content = content[: draw(st.integers(0, len(content)))]
    return content


TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", " ", "-1", "0", "1e400", "nan", "inf", "0x10", "1_000", "9" * 400, "a" * 300, "1,2,,3"]
    ),
    st.from_regex(r"[-+]?[0-9.,:x*=e]{0,12}", fullmatch=True),
)
"""Of options and fields."""


def options(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Option]]:
    """Yield the options of a command and all below it that take a value, and where they are."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from options(found, f"{path} {name}")
        return
    yield from (
        (path, each) for each in command.params if isinstance(each, click.Option) and not each.is_flag
    )


def line_of(error: Exception) -> str:
    """Return what the command line prints of an error."""
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


@TRIED
@given(data=st.data())
def test_any_value_of_an_option_is_taken_or_refused_in_a_line(data: st.DataObject) -> None:
    path, option = data.draw(st.sampled_from(OPTIONS))
    context = click.Context(click.Command(path))
    try:
        option.type.convert(data.draw(TEXTS), option, context)
    except (click.ClickException, UserError) as error:
        assert line_of(error) and "\n" not in line_of(error), path


OPTIONS = list(options(main))
FIELDS = [(preset, field.name) for preset, family in presets().items() for field in fields(family.config)]


@TRIED
@given(data=st.data())
def test_any_value_of_a_field_is_taken_or_refused_in_a_line(data: st.DataObject) -> None:
    preset, field = data.draw(st.sampled_from(FIELDS))
    try:
        load(preset, **{field: data.draw(TEXTS)})
    except UserError as error:
        assert field in str(error) and "\n" not in str(error) and len(str(error)) < 1000


WHOLE = st.integers(-(2**70), 2**70) | st.integers(-3, 70000)


@TRIED
@given(command=st.lists(WHOLE, max_size=14), values=st.dictionaries(st.sampled_from(sorted(PLACES)), WHOLE))
def test_a_descriptor_holds_its_values_or_names_the_wrong_one(
    command: list[int], values: dict[str, int]
) -> None:
    try:
        made = Descriptor(command=tuple(command), **values)
    except UserError as error:
        assert str(error).startswith("descriptor: ") and "\n" not in str(error)
    else:
        assert Descriptor.from_bytes(made.to_bytes()) == made


@TRIED
@given(
    pointers=st.lists(st.integers(-2, 9), max_size=6),
    rows=st.lists(st.integers(-2, 9), max_size=8),
    blocks=st.integers(0, 8),
    shape=st.tuples(st.integers(-1, 20), st.integers(-1, 20)),
)
def test_a_block_sparse_matrix_is_one_or_names_what_is_wrong(
    pointers: list[int], rows: list[int], blocks: int, shape: tuple[int, int]
) -> None:
    content = np.ones((blocks, 1, 1, 4, 4), np.int8)
    try:
        made = BlockSparse(
            shape, (4, 4), (1, 1), np.array(pointers, np.int64), np.array(rows, np.int64), content
        )
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert made.to_dense().shape == shape and made.to_dense().sum() == 16 * blocks


@TRIED
@given(
    m=st.sampled_from([4, 8, 16]),
    layout=st.sampled_from(list(Layout)),
    rows=st.integers(1, 6),
    seed=st.integers(0, 9),
    edit=st.sampled_from(["m", "rows", "columns", "weights", "offsets", "shape"]),
    value=st.integers(-200, 2**32 - 1),
)
def test_a_damaged_packed_matrix_is_one_or_names_what_is_wrong(
    m: int, layout: Layout, rows: int, seed: int, edit: str, value: int
) -> None:
    rng = np.random.default_rng(seed)
    packed = pack(prune_nm(rng.integers(-128, 128, (rows, 4 * m)).astype(np.int8), m), m, layout)
    if edit in ("weights", "offsets"):
        words = getattr(packed, edit).copy()
        words.flat[value % words.size] = np.array(value).astype(words.dtype)
        packed = replace(packed, **{edit: words})
    elif edit == "shape":
        packed = replace(packed, offsets=packed.offsets[: value % 3, : value % 5])
    else:
        packed = replace(packed, **{edit: value})
    try:
        found = unpack(packed)
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert found.shape == (packed.rows, packed.columns)


def check(kind: str, content: bytes, folder: Path) -> None:
    """Read a file of a kind. Fails where it is refused otherwise than in a line with its name."""
    ending, _, read = KINDS[kind]
    path = folder / f"file.{ending}"
    path.write_bytes(content)
    try:
        read(path)
    except UserError as error:
        assert str(error).startswith(f"{path}"), str(error)
        assert "\n" not in str(error) and len(str(error)) < 1000
    finally:
        path.unlink()


@pytest.mark.parametrize("kind", KINDS)
@TRIED
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_a_line(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    check(kind, data.draw(damaged(KINDS[kind][1]())), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@TRIED_LONG
@given(data=st.data())
def test_many_damaged_files(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    check(kind, data.draw(damaged(KINDS[kind][1]())), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_whole_before(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"file.{KINDS[kind][0]}"
    path.write_bytes(KINDS[kind][1]())
    KINDS[kind][2](path)
