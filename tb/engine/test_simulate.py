"""``tileloom.simulate`` of own layers on engines: every kind of configuration, bit for bit, and mistakes."""

import numpy as np
import pytest

import tileloom
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.errors import UserError
from tileloom.formats import SignMagnitude
from tileloom_golden.engine.convolution import convolve, im2col, multiply, unrolled
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.requantise import Requantisation, requantise
from tileloom_golden.rounding import to_float64
from tileloom_golden.systolic.gemm import tile_result
from tileloom_golden.systolic.quantise import quantise
from tileloom_golden.words import encode
from tileloom_sim.systolic.reference import arithmetic, float_format

from .test_random_jobs import AS_ONNX, AXI_FLOATS, FLOATS, ODD, SUMS

pytestmark = pytest.mark.usefixtures("generated_once")


def own_layer(rng: np.random.Generator, *, floats: bool) -> dict[str, np.ndarray]:
    """Return arrays of a convolution, 3 x 2 over 6 x 7 pixels of 11 channels, to 9."""
    shapes = {"weights": (9, 3, 2, 11), "activations": (6, 7, 11), "bias": (9,)}
    if floats:
        return {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return {name: rng.integers(-128, 128, shape) for name, shape in shapes.items()}


PADDED = {"layout": "OHWI", "stride": 2, "pads": (1, 0, 0, 1)}


@pytest.mark.parametrize("relu", [False, True])
def test_sums_of_int32(relu: bool, rng: np.random.Generator) -> None:
    arrays = own_layer(rng, floats=False)
    result = tileloom.simulate(SUMS, **arrays, **PADDED, relu=relu)
    sums = (
        convolve(arrays["activations"], arrays["weights"], 2, (1, 0, 0, 1)).astype(np.int64) + arrays["bias"]
    )
    assert result.values.dtype == np.int32
    np.testing.assert_array_equal(result.values, np.maximum(sums, 0) if relu else sums)
    assert result.scale is None and "saturated" not in result.figures
    assert "estimated_cycles" in result.figures


@pytest.mark.parametrize("config", [FLOATS, AXI_FLOATS, ODD], ids=["FP32 x INT8", "AXI4", "TF32 x E3M2"])
@pytest.mark.parametrize("relu", [False, True])
def test_floats(config: EngineConfig, relu: bool, rng: np.random.Generator) -> None:
    """Sums one after the other, of operands rounded or quantised, bit for bit as ``tile_result`` has them."""
    arrays = own_layer(rng, floats=True)
    array, w = config.systolic, arrays["weights"]
    accumulator = float_format(array.accumulator)
    per = "column" if isinstance(array.weight, SignMagnitude) else None
    result = tileloom.simulate(config, **arrays, **PADDED, relu=relu, prune=0.3, per=per)
    mask = block_mask(w, 0.3, (config.k, config.n)).repeat(config.k, 0).repeat(config.n, 1)
    w = w * mask[: w.shape[3], : w.shape[0]].T[:, None, None, :]
    scale = np.ones(9, np.float32)
    if per:
        quantised = quantise(w.reshape(9, -1).T, array.weight.bits, "column")
        words, scale = (
            sign_magnitude(quantised.integers.T, array.weight.bits).reshape(w.shape),
            quantised.scale,
        )
    else:
        words = encode(w, float_format(array.weight))
    columns = im2col(
        encode(arrays["activations"], float_format(array.activation)), (3, 2), config.k, 2, (1, 0, 0, 1)
    )
    bias = np.broadcast_to(encode(arrays["bias"] / scale, accumulator), (len(columns), 9))
    expected = to_float64(
        tile_result(columns, unrolled(words, config.k), bias, **arithmetic(array)), accumulator
    )
    if relu:
        expected = np.where(np.signbit(expected), 0, expected)
    values = result.values
    assert values.dtype == np.float32 and values.shape == (3, 4, 9)
    np.testing.assert_array_equal(values.reshape(-1, 9), expected.astype(np.float32) * scale)
    figures = result.figures
    assert figures["blocks_kept"] < figures["blocks"] and figures["overflowed"] == 0
    largest = np.abs(values).max()
    assert 0 < figures["largest_distance"] < 2.0 ** -(accumulator.fraction_bits - 6) * largest


def test_integers_in_floats_are_exact_and_raw_leaves_the_scale_off(rng: np.random.Generator) -> None:
    x, w = rng.integers(-99, 100, (7, 10)), rng.integers(-127, 128, (10, 6))
    result = tileloom.simulate(FLOATS, weights=w, layout="KN", activations=x)
    np.testing.assert_array_equal(result.values, x @ w)
    with pytest.raises(UserError, match="--raw: the weights are not quantised"):
        tileloom.simulate(FLOATS, weights=w, layout="KN", activations=x, raw=True)
    scaled = tileloom.simulate(FLOATS, weights=w * 0.25, layout="KN", activations=x).values
    raw = tileloom.simulate(FLOATS, weights=w * 0.25, layout="KN", activations=x, raw=True).values
    scale = quantise(w * 0.25, 8).scale
    np.testing.assert_array_equal(raw * scale, scaled)
    assert not np.array_equal(raw, scaled)


def test_axi4_gives_what_streams_give(rng: np.random.Generator) -> None:
    arrays = own_layer(rng, floats=False) | {"scale": np.full(9, 3000), "shift": np.full(9, 20)}
    streams = tileloom.simulate("engine-int8", **arrays, **PADDED)
    axi = tileloom.simulate("engine-int8-axi4", **arrays, **PADDED)
    np.testing.assert_array_equal(axi.values, streams.values)
    exact = convolve(arrays["activations"], arrays["weights"], 2, (1, 0, 0, 1))
    parameters = Requantisation(arrays["bias"], arrays["scale"], arrays["shift"])
    np.testing.assert_array_equal(axi.values, requantise(exact, parameters))


def test_zero_points_are_added_to_results(rng: np.random.Generator) -> None:
    """A quarter of a sum is rounded, most of them halves, and a third of the results saturate."""
    x, w = rng.integers(-9, 10, (40, 12)) * 2, rng.integers(-9, 10, (12, 6))
    zero = np.array([-128, -7, 0, 1, 90, 127])
    numbers = {"scale": np.ones(6, int), "shift": np.full(6, 2), "zero_point": zero, "relu": True}
    result = tileloom.simulate(AS_ONNX, weights=w, layout="KN", activations=x, **numbers)
    exact = np.clip(np.rint(x @ w / 4) + zero, np.maximum(zero, -128), 127)
    np.testing.assert_array_equal(result.values, exact)
    assert (np.abs(x @ w / 4) % 1 == 0.5).mean() > 0.3 and len(np.unique(exact)) > 60


def test_layout_decides(rng: np.random.Generator) -> None:
    """16 x 3 x 3 x 3 fits both ways, and so does a square matrix: the layout says which it is."""
    ones = {"scale": np.full(16, 1), "shift": np.full(16, 8)}
    none = Requantisation(np.zeros(16, int), ones["scale"], ones["shift"])
    w, x = rng.integers(-128, 128, (16, 3, 3, 3), np.int8), rng.integers(-128, 128, (8, 9, 3), np.int8)
    with pytest.raises(UserError, match=r"--layout: say how weights lies: OHWI \(O x H x W x I\) or OIHW"):
        tileloom.simulate("engine-int8", weights=w, activations=x)
    found = {}
    for layout, order in {"OHWI": (0, 1, 2, 3), "OIHW": (0, 2, 3, 1)}.items():
        found[layout] = tileloom.simulate(
            "engine-int8", weights=w, layout=layout, activations=x, **ones
        ).values
        np.testing.assert_array_equal(found[layout], requantise(convolve(x, w.transpose(order)), none))
    assert (found["OHWI"] != found["OIHW"]).mean() > 0.5
    w, x = rng.integers(-128, 128, (16, 16), np.int8), rng.integers(-128, 128, (5, 16), np.int8)
    with pytest.raises(UserError, match=r"--layout: say how weights lies: KN \(K x N\) or NK"):
        tileloom.simulate("engine-int8", weights=w, activations=x)
    for layout, matrix in {"KN": w, "NK": w.T}.items():
        values = tileloom.simulate("engine-int8", weights=w, layout=layout, activations=x, **ones).values
        np.testing.assert_array_equal(values, requantise(multiply(x, matrix), none))


def test_pruning_follows_the_layout(rng: np.random.Generator) -> None:
    w, x = rng.integers(-128, 128, (20, 33), np.int8), rng.integers(-128, 128, (5, 33), np.int8)
    nk = tileloom.simulate("engine-int8", weights=w, layout="NK", activations=x, prune=0.5)
    kn = tileloom.simulate("engine-int8", weights=w.T.copy(), layout="KN", activations=x, prune=0.5)
    np.testing.assert_array_equal(nk.values, kn.values)
    assert nk.figures == kn.figures
    blocks = nk.figures["blocks"]
    assert nk.figures["blocks_kept"] == blocks - round(blocks / 2)


def test_what_is_chosen_is_said(rng: np.random.Generator) -> None:
    w, x = rng.integers(-128, 128, (20, 10), np.int8), rng.integers(-128, 128, (40, 20), np.int8)
    chosen = tileloom.simulate("engine-int8", weights=w, layout="KN", activations=x)
    assert chosen.figures["scale"] == chosen.scale.tolist() and len(chosen.scale) == 10
    assert chosen.figures["shift"] == chosen.shift.tolist()
    assert np.abs(chosen.values.astype(int)).max() == 127
    assert chosen.figures["saturated"] == 0  # although a result is 127
    rows = dict(chosen.sheets[0].rows)
    assert rows["scale"] == f"{chosen.scale[0]}, for all 10 output channels"
    given = tileloom.simulate(
        "engine-int8", weights=w, layout="KN", activations=x, scale=chosen.scale, shift=chosen.shift
    )
    np.testing.assert_array_equal(given.values, chosen.values)
    assert "scale" not in given.figures
    # Twice as much: what was beyond half of the range saturates.
    exact = multiply(x, w).astype(np.int64) * chosen.scale * 2 / 2.0**chosen.shift
    rounded = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
    for relu, beyond in {False: (rounded > 127) | (rounded < -128), True: rounded > 127}.items():
        twice = tileloom.simulate(
            "engine-int8",
            weights=w,
            layout="KN",
            activations=x,
            scale=chosen.scale,
            shift=chosen.shift - 1,
            relu=relu,
        )
        assert twice.figures["saturated"] == beyond.sum() > 0


MATRIX = {"weights": np.ones((4, 3), int), "layout": "KN", "activations": np.ones((2, 4), int)}


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        ("engine-int8", {"weights": MATRIX["weights"]}, "give both --weights and --activations"),
        ("engine-int8", {"relu": True}, "--relu: goes with --weights and --activations"),
        ("engine-int8", {"bias": np.ones(3, int)}, "--bias: goes with --weights and --activations"),
        ("engine-int8", {**MATRIX, "seed": 1}, "--seed: is for random layers"),
        ("engine-int8", {**MATRIX, "layers": 1}, "--layers: is for random layers"),
        ("engine-int8", {**MATRIX, "stride": 1}, "--stride and --pads go with a convolution"),
        ("engine-int8", {**MATRIX, "per": "column"}, "--per: is for a systolic core"),
        ("engine-int8", {**MATRIX, "raw": True}, "--raw: is for a systolic core"),
        (
            "engine-int8",
            {**MATRIX, "layout": "OIHW"},
            "--layout OIHW: weights has 2 dimensions; give KN or NK",
        ),
        ("engine-int8", {**MATRIX, "layout": "NK"}, "activations has 4 channels and weights, as NK, has 3"),
        ("engine-int8", {**MATRIX, "scale": np.ones(3, int)}, "give both --scale and --shift"),
        (
            "engine-int8",
            {**MATRIX, "bias": np.ones(4, int)},
            r"bias: has shape \(4,\), not \(3,\), one for each",
        ),
        (
            "engine-int8",
            {**MATRIX, "bias": np.array([0, 2**31, 0])},
            r"bias: element \[1\] is 2147483648; must be from -2147483648 to 2147483647",
        ),
        (
            "engine-int8",
            {**MATRIX, "bias": np.array([0, 0, 2**64 - 1], np.uint64)},
            r"bias: element \[2\] is 18446744073709551615, beyond INT64",
        ),
        (
            "engine-int8",
            {**MATRIX, "scale": np.array([0, 65536, 0]), "shift": np.zeros(3, int)},
            r"scale: element \[1\] is 65536; must be from 0 to 65535",
        ),
        (
            "engine-int8",
            {**MATRIX, "scale": np.ones(3, int), "shift": np.array([0, 63, -1])},
            r"shift: element \[2\] is -1; must be from 0 to 63",
        ),
        (
            "engine-int8",
            {**MATRIX, "layout": "NK", "weights": np.array([[1, 1, 1, 1], [1, 1, 128, 1]])},
            r"weights: element \[1, 2\] is 128; must be from -128 to 127",
        ),
        ("engine-int8", {**MATRIX, "weights": np.ones((4, 3))}, "weights: float64 of shape"),
        ("engine-fp32", {**MATRIX, "scale": np.ones(3, int)}, "--scale: .*; a systolic core's are not"),
        ("engine-fp32", {**MATRIX, "shift": np.ones(3, int)}, "--shift: .*; a systolic core's are not"),
        (SUMS, {**MATRIX, "scale": np.ones(3, int)}, "--scale: .*; requantise is false"),
        ("engine-int8", {**MATRIX, "zero_point": np.ones(3, int)}, "--zero-point: .* with result_zero_point"),
        (AS_ONNX, {**MATRIX, "zero_point": np.ones(3, int)}, "--zero-point: goes with --scale and --shift"),
        (
            AS_ONNX,
            {
                **MATRIX,
                **dict.fromkeys(("scale", "shift"), np.ones(3, int)),
                "zero_point": np.array([0, 0, 128]),
            },
            r"zero_point: element \[2\] is 128; must be from -128 to 127",
        ),
        ("engine-fp32", {**MATRIX, "per": "column"}, "--per: the weights are not quantised"),
        (
            "engine-fp32-int8",
            {**MATRIX, "weights": np.array([[1, 1, -128]] * 4)},
            r"weights: element \[0, 2\] is -128: 8-bit sign-magnitude holds -127 to 127",
        ),
        ("engine-fp32", {**MATRIX, "bias": np.array([1, np.nan, 1])}, r"bias: element \[1\] is NaN"),
        (
            EngineConfig(port=EnginePort.AXI4, address_bits=13),
            {**MATRIX, "activations": np.ones((2000, 4), int)},
            "address_bits: the layer's memory has .* bytes, and addresses of 13 bits reach 8,192",
        ),
    ],
)
def test_mistakes_are_told_before_anything_is_built(config, options, message, monkeypatch) -> None:
    monkeypatch.setattr("tileloom_sim.engine.simulate.generate", None)
    with pytest.raises(UserError, match=message):
        tileloom.simulate(config, **options)
