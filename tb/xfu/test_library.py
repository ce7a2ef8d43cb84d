"""The library in C on both cores: all functions, all results against the golden model, adversarial data."""

import functools

import numpy as np
import pytest

from support.long import but
from tileloom.errors import UserError
from tileloom.xfu.config import Host, XfuConfig
from tileloom_golden.requantise import Requantisation, from_ratios, requantise
from tileloom_golden.xfu import operators, transformer
from tileloom_golden.xfu.layers import fully_connected, im2col
from tileloom_golden.xfu.sparsity import prune_nm
from tileloom_sim.riscv.run import Conditions, Waits
from tileloom_sim.xfu import hosts, operations
from tileloom_sim.xfu.calls import Call, Function, run_call
from tileloom_sim.xfu.layers import Kernel, LayerShape
from tileloom_sim.xfu.operands import channels, multiplier, sparse

xfu_system = functools.cache(hosts.xfu_system)
UNITS = {
    "cv32e40p": XfuConfig(host=Host.CV32E40P),
    "cv32e40x": XfuConfig(),
    "picorv32": XfuConfig(host=Host.PCPI),
}
CORES = but({core: core for core in UNITS}, "picorv32")

SHAPES = {
    "ragged": LayerShape(rows=7, channels=5, height=5, width=3, kernel=(3, 3), padding=1),
    "strided": LayerShape(rows=2, channels=16, height=6, width=7, kernel=(3, 2), stride=2, padding=2),
    "pointwise": LayerShape(rows=5, channels=7, height=3, width=3, kernel=(1, 1)),
    "pointwise, strided": LayerShape(rows=4, channels=16, height=5, width=5, kernel=(1, 1), stride=2),
    "one pixel": LayerShape(rows=1, channels=13, height=2, width=5, kernel=(2, 5)),
    "connected": LayerShape(rows=7, channels=85),
    "one row": LayerShape(rows=1, channels=16),
    "two rows": LayerShape(rows=2, channels=33),
}
KERNELS = [
    (Kernel.DENSE_1X2, 1, 0),
    (Kernel.DENSE_4X2, 1, 0),
    *((Kernel.XDECIMATE, n, m) for n, m in ((1, 4), (1, 8), (1, 16), (2, 4), (2, 8), (4, 8))),
]


def check(core: str, call: Call, wanted: np.ndarray, **settings) -> int:
    """Run a call, compare every result; return how many there are."""
    run = run_call(xfu_system(UNITS[core]), call, **settings)
    np.testing.assert_array_equal(run.results.reshape(-1), np.asarray(wanted).reshape(-1))
    assert 0 < run.instructions <= run.cycles
    return run.results.size


def int8(rng, *shape):
    """Return random activations, some of them at INT8's ends."""
    values = rng.integers(-128, 128, shape, dtype=np.int8)
    return np.where(rng.random(shape) < 0.1, rng.choice(np.array([-128, 127], np.int8), shape), values)


def spread(rng, rows: int, products: float) -> Requantisation:
    """Return parameters that leave some results at INT8's ends and most of them between."""
    ratios = np.minimum(rng.uniform(8, 150, rows) / (74 * 74 * np.sqrt(products)), 0.49)
    return from_ratios(ratios, rng.integers(-4000, 4000, rows))


def drawn(rng, layer: LayerShape, kernel: Kernel, n: int, m: int, relu: bool):
    """Return a layer's call and results."""
    x, w = int8(rng, layer.height, layer.width, layer.channels), int8(rng, layer.rows, layer.length)
    if kernel.sparse:
        w = prune_nm(np.pad(w, ((0, 0), (0, -layer.length % m))), m, n)[:, : layer.length]
    parameters = spread(rng, layer.rows, layer.length * n / (m or 1))
    lines = x.reshape(1, -1)
    if layer.kernel:
        lines = im2col(x, layer.kernel, stride=layer.stride, padding=layer.padding)
    call = operations.layer_call(layer, x, w, parameters, kernel, m=m, n=n, relu=relu)
    return call, requantise(fully_connected(lines, w), parameters, relu=relu)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("core", CORES)
def test_layers(core, shape, rng):
    layer, compared = SHAPES[shape], 0
    for index, (kernel, n, m) in enumerate(KERNELS):
        call, wanted = drawn(rng, layer, kernel, n, m, relu=bool(index % 2))
        compared += check(core, call, wanted)
    assert compared == len(KERNELS) * layer.rows * layer.output[0] * layer.output[1]


@pytest.mark.parametrize("core", CORES)
def test_every_sum_is_requantised_as_the_golden_model_does(core, rng):
    """Activations of 0, so that sums are biases: INT32's ends, halves of all shifts and their neighbours."""
    rows = 1200
    shift = rng.integers(0, 64, rows)
    scale = np.minimum(rng.integers(0, 65536, rows), np.maximum((1 << np.minimum(shift, 17)) // 2 - 1, 0))
    scale = np.where(rng.random(rows) < 0.2, 1 << rng.integers(0, np.maximum(shift - 1, 1)) % 16, scale)
    scale = np.where(scale * 2.0 < 2.0**shift, scale, 0)
    # The sum whose product is nearest to a half of a random result.
    halves = (rng.integers(-140, 140, rows) + 0.5) * 2.0**shift / np.maximum(scale, 1)
    bias = np.clip(np.rint(halves) + rng.integers(-1, 2, rows), -(2**31), 2**31 - 1).astype(np.int64)
    bias[:6] = -(2**31), 2**31 - 1, -1, 0, 1, -(2**31) + 1
    parameters = Requantisation(bias, scale, shift)
    sums = np.zeros((3, rows), np.int64)
    assert len(np.unique(requantise(sums, parameters))) > 100
    for kernel in (Kernel.DENSE_1X2, Kernel.DENSE_4X2, Kernel.XDECIMATE):
        for relu in (False, True):
            x, w = np.zeros((3, 8), np.int8), np.zeros((rows, 8), np.int8)
            call = operations.product_call(x, w, parameters, kernel, relu=relu)
            assert check(core, call, requantise(sums, parameters, relu=relu)) == 3 * rows


@pytest.mark.parametrize("core", CORES)
def test_rows_in_parts(core, rng):
    """Rows of more groups than a part has, which the counter's range sets to 32,768: here 8, and one real."""
    layer = LayerShape(rows=3, channels=16, height=3, width=3, kernel=(3, 3), padding=1)
    connected = LayerShape(rows=3, channels=150)
    for shape in (layer, connected):
        for n, m in ((1, 4), (1, 8), (2, 8), (1, 16)):
            call, wanted = drawn(rng, shape, Kernel.XDECIMATE, n, m, relu=False)
            matrix = np.pad(int8(rng, shape.rows, shape.length), ((0, 0), (0, -shape.length % m)))
            matrix = prune_nm(matrix, m, n)[:, : shape.length]
            parted = sparse(matrix, m, n, connected=shape.kernel is None, most=8)
            assert parted.segments > 1 and parted.passes == n
            parameters = spread(rng, shape.rows, shape.length * n / m)
            lines = call.input.reshape(1, -1)
            if shape.kernel:
                lines = im2col(call.input, shape.kernel, padding=shape.padding)
            wanted = requantise(fully_connected(lines, matrix), parameters)
            more = {"weights": parted, "channels": channels(parameters), "workspace": 2 * parted.line_bytes}
            check(core, Call(**{**vars(call), **more}), wanted)


def test_rows_beyond_the_counter(rng):
    layer = LayerShape(rows=2, channels=((1 << 15) + 9) * 4)
    call, wanted = drawn(rng, layer, Kernel.XDECIMATE, 1, 4, relu=False)
    assert call.weights.segments == 2
    assert check("cv32e40p", call, wanted) == 2


@pytest.mark.parametrize("core", CORES)
def test_functions(core, rng):
    window = LayerShape(rows=1, channels=5, height=7, width=6, kernel=(3, 2), stride=2, padding=1)
    image = int8(rng, 7, 6, 5)
    where = {"stride": 2, "padding": 1}
    check(core, operations.max_pool_call(window, image), operators.max_pool(image, (3, 2), **where))
    numbers = {"scale": 43691, "shift": 18}
    wanted = operators.average_pool(image, (3, 2), **numbers, **where, relu=True)
    check(core, operations.average_pool_call(window, image, **numbers, relu=True), wanted)
    whole = LayerShape(rows=1, channels=5, height=7, width=6, kernel=(7, 6))
    for scale, shift in ((49932, 21), (65535, 9), (1, 63), (0, 0)):
        wanted = operators.average_pool(image, (7, 6), scale=scale, shift=shift)
        check(core, operations.average_pool_call(whole, image, scale, shift), wanted)
    a, b = int8(rng, 2, 30), int8(rng, 2, 30)
    for shift, scales in ((0, (1, 1)), (1, (1, 1)), (9, (300, 177)), (16, (65535, 65535)), (31, (65535, 3))):
        for relu in (False, True):
            wanted = operators.add(a, b, scales=scales, shift=shift, relu=relu)
            check(core, operations.add_call(a, b, scales, shift, relu=relu), wanted)
    matrix = int8(rng, 5, 6)
    check(core, operations.transpose_call(matrix), np.pad(matrix.T, ((0, 0), (0, 3))))


@pytest.mark.parametrize("core", CORES)
def test_a_transformers_functions(core, rng):
    every = np.arange(-128, 128).astype(np.int8)[None]
    lines = int8(rng, 4, 37)
    lines[1], lines[2, 1:], lines[2, 0] = -128, -128, 127
    for scale in (1.0, 1 / 16, 1 / 512):
        parameters = transformer.Softmax.of_scale(scale)
        check(core, operations.softmax_call(lines, parameters), transformer.softmax(lines, parameters))
        gelu = transformer.Gelu.of_scale(scale, scale)
        check(core, operations.gelu_call(every, gelu), transformer.gelu(every, gelu))
    for length in (1, 5, 37):
        gamma = rng.uniform(0.3, 3, length) * rng.choice((-1, 1), length)
        parameters = transformer.Normalisation.of(gamma, rng.normal(0, 0.3, length), 1 / 32)
        some = lines[:, :length]
        check(core, operations.normalise_call(some, parameters), transformer.normalise(some, parameters))


@pytest.mark.parametrize("core", CORES)
def test_each_bit_of_a_normalised_value_counts(core, rng):
    """Biases that take the values away but for their last bits, which ratios in use would hide."""
    line = int8(rng, 1, 40)
    shift = transformer.Normalisation.of(np.ones(40), np.zeros(40), 1).shift
    q = [int(value) << shift for value in line[0]]
    mean = sum(q) // 40
    factor = 2**31 // transformer.i_sqrt(sum((value - mean) ** 2 for value in q))
    values = np.array([(value - mean) * factor >> 9 for value in q])
    negative, one = rng.random(40) < 0.5, np.ones(40, np.int64)
    bias = np.where(negative, values, -values) + rng.integers(-100, 100, 40)
    parameters = transformer.Normalisation(shift, negative, Requantisation(bias, one, 2 * one))
    wanted = transformer.normalise(line, parameters)
    assert len(np.unique(wanted)) > 15 and np.abs(wanted.astype(int)).max() <= 25
    check(core, operations.normalise_call(line, parameters), wanted)


def test_attention_by_products(rng):
    """Q times K transposed, softmax, times V: activations in the place of weights."""
    tokens, size = 9, 12
    q, k, v = (int8(rng, tokens, size) for _ in range(3))
    first = from_ratios(np.full(tokens, 1 / 4000))
    check("cv32e40p", operations.product_call(q, k, first), requantise(fully_connected(q, k), first))
    scores = requantise(fully_connected(q, k), first)
    parameters = transformer.Softmax.of_scale(1 / 16)
    p = transformer.softmax(scores, parameters)
    turned = run_call(xfu_system(UNITS["cv32e40p"]), operations.transpose_call(v)).results
    second = from_ratios(np.full(size, 1 / 128))
    wanted = requantise(fully_connected(p, v.T), second)
    check("cv32e40p", operations.product_call(p, turned[:, :tokens], second), wanted)


@pytest.mark.parametrize("core", CORES)
def test_waits_change_no_result(core, rng):
    conditions = Conditions(
        instruction_waits=Waits(grant=2, response=2),
        data_waits=Waits(grant=3, response=3),
        random_seed=int(rng.integers(1 << 31)),
        limit=10**7,
    )
    for kernel, n, m in ((Kernel.XDECIMATE, 1, 4), (Kernel.XDECIMATE, 2, 8), (Kernel.DENSE_4X2, 1, 0)):
        call, wanted = drawn(rng, SHAPES["ragged"], kernel, n, m, relu=False)
        check(core, call, wanted, conditions=conditions)


def test_multipliers_are_the_same_ratio(rng):
    for _ in range(2000):
        scale, shift = int(rng.integers(1, 65536)), int(rng.integers(0, 64))
        pair = multiplier(scale, shift)
        assert (pair is None) == (2 * scale >= 1 << shift)
        if pair:
            assert pair[0] << shift == scale << (pair[1] + 32)
            assert 0 < pair[0] < 1 << 32 and 1 <= pair[1] <= 31


def shaped(**numbers):
    """Return what refuses a layer of one row and four activations with these numbers."""
    values = {"bias": 0, "scale": 1, "shift": 9, **numbers}
    layer, one = LayerShape(rows=1, channels=4), np.full((1, 4), -128, np.int8)
    parameters = Requantisation(*(np.array([values[name]]) for name in ("bias", "scale", "shift")))
    return lambda kernel=Kernel.DENSE_4X2, **more: operations.layer_call(
        layer, one.reshape(1, 1, 4), one, parameters, kernel, **more
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (shaped(scale=1, shift=1), r"output channel 0: scale / 2\^shift is 0.5, not below 0.5"),
        (shaped(bias=2**31 - 65536), "output channel 0: bias and products may leave INT32"),
        (lambda: shaped()(Kernel.XDECIMATE), r"weights\[0, 0:4\] has 4 non-zeros: 1:4 allows 1"),
        (lambda: shaped()(Kernel.XDECIMATE, m=5), "group: must be 4, 8 or 16, not 5"),
        (
            lambda: operations.max_pool_call(SHAPES["strided"], np.zeros((6, 7, 16), np.int8)),
            "padding: must be below the window's size, 2, not 2",
        ),
        (
            lambda: operations.average_pool_call(
                LayerShape(rows=1, channels=1), np.zeros((1, 1, 1), np.int8), 128, 0
            ),
            r"average 0: scale / 2\^shift is 128, not below 128",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UserError, match=f"^{message}"):
        call()


def test_a_function_that_writes_beyond_its_results_is_noticed(rng):
    call, _ = drawn(rng, SHAPES["one row"], Kernel.DENSE_4X2, 1, 0, relu=False)
    assert call.function is Function.CONNECTED
    with pytest.raises(AssertionError, match="wrote beyond its results"):
        run_call(xfu_system(UNITS["cv32e40p"]), Call(**{**vars(call), "output": (0,)}))
