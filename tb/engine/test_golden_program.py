"""Programs of the block-sparse engine, executed by the model of its buffers, against the convolution."""

from dataclasses import replace

import numpy as np
import pytest

from tileloom_golden.engine.convolution import convolve_blocks
from tileloom_golden.engine.cut import compile_layer, strip_words
from tileloom_golden.engine.masks import block_mask
from tileloom_golden.engine.model import EngineModel
from tileloom_golden.engine.program import EngineSize, Layer, command_word
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.engine.streams import (
    EMPTY,
    LAST,
    activation_units,
    from_units,
    header_words,
    index_entries,
    result_units,
    weight_beats,
)
from tileloom_golden.requantise import Requantisation, requantise
from tileloom_golden.words import packed, unpacked

SMALL = EngineSize(a_words=64, acc_tiles=4)


def data_of(rng, layer, size, sparsity):
    """Return random activations, weights with their share of blocks missing, and requantisation."""
    x = rng.integers(-128, 128, (layer.height, layer.width, layer.channels)).astype(np.int8)
    w = rng.integers(-128, 128, (layer.outputs, *layer.kernel, layer.channels)).astype(np.int8)
    weights = from_convolution(w, (size.k, size.n), block_mask(w, sparsity, (size.k, size.n)))
    n = layer.outputs
    parameters = Requantisation(
        rng.integers(-(2**16), 2**16, n), rng.integers(1, 65536, n), rng.integers(18, 28, n)
    )
    return x, weights, parameters


def check(rng, layer, size, sparsity=0.5, relu=False):
    """Compile and execute a layer, compare every result, and return the program."""
    x, weights, parameters = data_of(rng, layer, size, sparsity)
    program = compile_layer(layer, size, relu=relu)
    model = EngineModel(
        size,
        program.commands(),
        activation_units(program, x),
        index_entries(program, weights),
        weight_beats(program, weights, header_words(parameters)),
    )
    sums = convolve_blocks(x, weights, layer.stride, layer.pads)
    expected = requantise(sums, parameters, relu=relu)
    units, lasts = result_units(program, expected)
    found = model.run()
    np.testing.assert_array_equal(found, units)
    np.testing.assert_array_equal(from_units(program, found).reshape(expected.shape), expected)
    assert len(lasts) == len(units) and lasts[-1]
    assert sum(lasts) == sum(group.write.columns for group in program.groups)
    return program


LAYERS = [
    Layer.product(1, 1, 1),
    Layer.product(37, 41, 23),
    Layer(height=7, width=7, channels=24, outputs=16, kernel=(3, 3), pads=(1, 1, 1, 1)),
    Layer(height=11, width=13, channels=3, outputs=17, kernel=(7, 7), stride=2, pads=(3, 3, 3, 3)),
    Layer(height=11, width=11, channels=9, outputs=8, kernel=(1, 1), stride=2),
    Layer(height=5, width=19, channels=16, outputs=11, kernel=(1, 7), pads=(0, 0, 3, 3)),
    Layer(height=19, width=5, channels=8, outputs=8, kernel=(7, 1), pads=(3, 3, 0, 0), stride=3),
    Layer(height=17, width=3, channels=40, outputs=9, kernel=(5, 2), pads=(4, 0, 1, 0)),
    Layer(height=2, width=2, channels=8, outputs=8, kernel=(3, 3), pads=(2, 2, 2, 2)),
    Layer(height=23, width=29, channels=8, outputs=8, kernel=(11, 11), stride=4, pads=(2, 2, 2, 2)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("size", [EngineSize(), SMALL], ids=["default", "small"])
def test_layers(rng, layer, size):
    for sparsity, relu in ((0.5, False), (0, True), (1, False)):
        check(rng, layer, size, sparsity, relu)


@pytest.mark.parametrize(
    "size",
    [
        EngineSize(m=1, k=16, n=4, a_words=256),
        EngineSize(m=2, k=4, n=16, drain_rows=2),
        EngineSize(m=8, k=3, n=5, bus=64, drain_rows=4, acc_tiles=3),
        EngineSize(m=4, k=32, n=32, bus=256, acc_tiles=1),
        EngineSize(m=4, k=1, n=1, bus=64),
    ],
    ids=str,
)
def test_sizes(rng, size):
    check(rng, Layer(height=6, width=9, channels=20, outputs=10, kernel=(3, 3), pads=(1, 1, 1, 1)), size)
    check(rng, Layer.product(29, 31, 37), size)


def test_random_layers(rng):
    splits = dict.fromkeys(("width", "height", "channels"), 0)
    for _ in range(60):
        kernel = tuple(int(v) for v in rng.integers(1, 5, 2))
        pads = tuple(int(rng.integers(0, kernel[axis // 2])) for axis in range(4))
        layer = Layer(
            height=int(rng.integers(kernel[0], 14)),
            width=int(rng.integers(kernel[1], 14)),
            channels=int(rng.integers(1, 130)),
            outputs=int(rng.integers(1, 30)),
            kernel=kernel,
            stride=int(rng.integers(1, 4)),
            pads=pads,
        )
        program = check(rng, layer, SMALL, float(rng.choice([0, 0.3, 0.9, 1])), bool(rng.integers(2)))
        for name in splits:
            splits[name] += program.splits[name] > 1
    assert min(splits.values()) >= 10, splits


@pytest.mark.parametrize("prime", [2, 3, 5, 7, 11, 13, 17, 31, 61, 127, 257])
def test_primes_compile(prime):
    size = EngineSize()
    for layer in (
        Layer.product(4 * prime + 1, prime, prime),
        Layer(height=prime, width=prime, channels=prime, outputs=prime, kernel=(3, 3), pads=(1, 1, 1, 1)),
        Layer(height=prime + 2, width=prime + 1, channels=prime, outputs=prime, kernel=(3, 2), stride=2),
    ):
        program = compile_layer(layer, size)
        assert program.splits["channels"] == 1
        covered = np.zeros(program.layer.output, int)
        for group in program.groups:
            write = group.write
            if write.column == 0:
                covered[write.y : write.y + write.rows, write.x : write.x + write.width] += 1
            tiles = write.rows * -(-write.width // size.m)
            load = group.parts[0][0]
            assert tiles <= size.acc_tiles
            assert strip_words(program.layer, size, write.rows, write.width, load.blocks) <= size.a_words
        assert (covered == 1).all()
        assert program.commands()


ONE = EngineSize(m=1, k=1, n=1, a_words=1, acc_tiles=1)


def test_more_strips_and_block_columns_than_a_command_can_tell():
    program = compile_layer(Layer.product(65537, 1, 1), ONE)
    assert [slots[1] for slots in program.commands()] == [65535] * 3 + [2] * 3
    program = compile_layer(Layer.product(1, 1, 65537), ONE)
    assert [(slots[1], slots[9]) for slots in program.commands()] == [
        (1, 0),
        (1, 65535),
        (1, 65535),
        (1, 0),
        (1, 2),
        (1, 2),
    ]
    assert [(group.write.column, group.write.columns) for group in program.groups] == [(0, 65535), (65535, 2)]


def test_block_columns_in_spans_give_the_same(rng, monkeypatch):
    monkeypatch.setattr("tileloom_golden.engine.cut.LARGEST_COLUMNS", 3)
    program = check(rng, Layer.product(37, 41, 60), SMALL)
    assert {group.write.columns for group in program.groups} == {3, 2}


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (Layer.product(1, 16385, 1), replace(ONE, a_words=32768)),
        (
            Layer(height=16, width=31, channels=300, outputs=1, stride=15),
            EngineSize(m=4, k=1, n=1, a_words=8192),
        ),
    ],
    ids=["block rows", "pitches"],
)
def test_more_than_a_field_can_tell(rng, layer, size):
    check(rng, layer, size, sparsity=0)


def test_no_strip_is_wider_than_a_counter():
    size = EngineSize(m=16, k=1, n=1, a_words=65536, acc_tiles=4096, activation_mask=True)
    program = compile_layer(Layer.product(65536, 1, 1), size)
    assert [load.width for group in program.groups for load, _ in group.parts] == [65520, 16]


def test_a_command_that_says_too_much_is_named():
    program = compile_layer(Layer.product(4, 8, 8))
    (load, conv), write = program.groups[0].parts[0], program.groups[0].write
    group = replace(program.groups[0], parts=((load, replace(conv, columns=65536)),), write=write)
    with pytest.raises(ValueError, match="columns is 65536, more than the 65535 of a command's field"):
        replace(program, groups=(group,)).commands()


def test_a_large_product_is_nine_commands():
    """Three for each width of its strips: the first, those that follow, and what is left."""
    program = compile_layer(Layer.product(256, 256, 256))
    commands = program.commands()
    assert [slots[:2] for slots in commands] == [
        [opcode, count] for count in (1, 5, 1) for opcode in (1 | 1 << 4, 2 | 1 << 4 | 6 << 8, 3)
    ]
    assert [slots[4] for slots in commands[::3]] == [20, 40, 36]
    assert commands[3] == [17, 5, 32, 1, 40, 0, 320, 320, 0, 0, 0, 0]
    assert commands[4] == [1554, 5, 32, 1, 10, 257, 320, 320, 320, 32, 0, 0]
    assert commands[5] == [3, 5, 0, 1, 40, 0, 0, 0, 0, 32, 0, 0]
    assert command_word(commands[5]) == 3 | 5 << 16 | 1 << 48 | 40 << 64 | 32 << 144


def test_the_first_strip_is_narrow_where_that_pays():
    """The core waits for it alone; no strip is wider than twice the first, and all pixels are in one."""
    for m in range(1, 400, 7):
        program = compile_layer(Layer.product(m, 256, 64))
        widths = [group.write.width for group in program.groups]
        assert sum(widths) == m and [group.write.x for group in program.groups] == [
            sum(widths[:place]) for place in range(len(widths))
        ]
        assert program.splits["width"] == len(widths)
        if widths[0] < max(widths):
            assert max(widths) <= 2 * widths[0]
    assert [group.write.width for group in compile_layer(Layer.product(8, 256, 64)).groups] == [8]
    # An image is cut by rows as well, and all strips of a row are as wide.
    image = compile_layer(Layer(height=56, width=56, channels=64, outputs=64, kernel=(3, 3)))
    assert len({group.write.width for group in image.groups}) <= 2


def test_empty_columns_are_one_entry():
    weights = from_convolution(np.zeros((24, 1, 1, 16), np.int8))
    weights_and_one = np.zeros((24, 1, 1, 16), np.int8)
    weights_and_one[9, 0, 0, 15] = 1
    program = compile_layer(Layer.product(4, 16, 24))
    assert index_entries(program, weights).tolist() == [EMPTY | LAST] * 3
    one = from_convolution(weights_and_one)
    assert index_entries(program, one).tolist() == [EMPTY | LAST, 1 | LAST, EMPTY | LAST]
    beats = weight_beats(program, one, np.arange(24, dtype=np.uint64))
    assert beats.shape == (3 * 4 + 4, 16)
    assert beats[0].view("<u8").tolist() == [0, 1] and beats[4].view("<u8").tolist() == [8, 9]
    # Row 15 - 8 of the block, column 9 - 8.
    assert np.flatnonzero(beats[8:12]).tolist() == [7 * 8 + 1]


def test_words_follow_without_gaps():
    four = np.array([[1, 2, 15], [0, 8, 7]], np.uint8)
    assert packed(four, 4).tolist() == [[0x21, 0x0F], [0x80, 0x07]]
    assert packed(np.array([[1, 513]], np.uint64), 19).tolist() == [[1, 0, 8, 16, 0]]
    assert packed(np.array([[-1, 127]], np.int8), 8).tolist() == [[255, 127]]
    assert packed(four[:0], 4).shape == (0, 2)
    with pytest.raises(ValueError, match=r"words\[0, 0\] does not fit 4 bits"):
        packed(np.array([[16]], np.uint8), 4)
    with pytest.raises(ValueError, match="words have dtype int8, not 4 bits"):
        packed(np.array([[-1]], np.int8), 4)


def test_the_model_finds_what_is_wrong(rng):
    layer = Layer.product(40, 16, 16)
    x, weights, parameters = data_of(rng, layer, SMALL, 0.5)
    program = compile_layer(layer, SMALL)
    units, entries = activation_units(program, x), index_entries(program, weights)
    beats = weight_beats(program, weights, header_words(parameters))
    commands = program.commands()
    with pytest.raises(ValueError, match="activations ends too early"):
        EngineModel(SMALL, commands, units[:-1], entries, beats).run()
    with pytest.raises(ValueError, match="4 transfers of weights are left"):
        EngineModel(SMALL, commands, units, entries, np.concatenate([beats, beats[:4]])).run()
    with pytest.raises(ValueError, match="every unit waits"):
        EngineModel(SMALL, [slots for slots in commands if slots[0] & 3 != 3], units, entries, beats).run()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pads": (1, 0, 0, 0)}, "pad top is 1, not smaller than the kernel's 1"),
        ({"kernel": (3, 3), "pads": (0, 0, 0, 3)}, "pad right is 3, not smaller"),
        ({"kernel": (9, 1)}, "does not fit"),
        ({"stride": 16}, "stride is 16, more than the 15"),
        ({"channels": 0}, "channels is 0, not a positive integer"),
    ],
)
def test_impossible_layers_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        Layer(**{"height": 8, "width": 8, "channels": 8, "outputs": 8} | changes)


def test_a_buffer_too_small_is_named():
    layer = Layer(height=23, width=29, channels=8, outputs=8, kernel=(11, 11), stride=4)
    with pytest.raises(ValueError, match="a_words is 43: one output pixel of this layer needs 44"):
        compile_layer(layer, EngineSize(a_words=43))
    assert compile_layer(layer, EngineSize(a_words=44)).splits == {
        "width": 3,
        "outputs": 1,
        "height": 4,
        "channels": 1,
    }


def test_wrong_data_is_named(rng):
    layer = Layer.product(8, 16, 16)
    x, weights, _ = data_of(rng, layer, SMALL, 0.5)
    program = compile_layer(layer, SMALL)
    with pytest.raises(ValueError, match=r"activations has shape \(1, 7, 16\), not \(1, 8, 16\)"):
        activation_units(program, x[:, :7])
    with pytest.raises(ValueError, match=r"weights have shape \(16, 16\), and the program \(8, 16\)"):
        index_entries(compile_layer(Layer.product(8, 8, 16), SMALL), weights)


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 19, 32, 33, 64])
def test_words_of_any_width_are_packed(rng, bits):
    for rows in (0, 3):
        words = rng.integers(0, 2**bits - 1, (rows, 5), np.uint64, endpoint=True)
        found = packed(words, bits)
        assert found.shape == (rows, -(-5 * bits // 8))
        exact = [sum(int(word) << bits * place for place, word in enumerate(row)) for row in words]
        assert [int.from_bytes(row.tobytes(), "little") for row in found] == exact
        np.testing.assert_array_equal(unpacked(found, bits, 5), words)


def test_words_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"words\[1, 0\] does not fit 4 bits"):
        packed(np.array([[15], [16]], np.uint64), 4)
    with pytest.raises(ValueError, match="words have dtype int16, not 8 bits"):
        packed(np.array([[1]], np.int16), 8)
