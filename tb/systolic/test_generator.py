"""The address generator against its golden model: commands, in a memory that waits and fails; refusals."""

import pytest

import tileloom
from support.long import but, few
from support.mutant import mutant
from support.seed import SEED
from tileloom.errors import ConfigError
from tileloom.systolic.coprocessor import unit as array
from tileloom.systolic.coprocessor.generator import fetch, packer, reader, unit, walk
from tileloom.systolic.coprocessor.intrinsics import NAME
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.generator import FetchingCoprocessor
from tileloom_golden.systolic.packing import pack_weights
from tileloom_sim.systolic.reference import arithmetic

from . import generator_bench

CONFIGS = {
    "2x3": {"rows": 2, "columns": 3, "memory_bits": 64},
    "1x1": {"rows": 1, "columns": 1, "weight": "fp32", "memory_bits": 128},
    "4x4": {"rows": 4, "columns": 4, "memory_bits": 128},
    "2x3 held": {"rows": 2, "columns": 3, "memory_bits": 64, "accumulators": 17},
    "4x4 held": {"rows": 4, "columns": 4, "memory_bits": 32, "accumulators": 200},
    "3x1": {"rows": 3, "columns": 1, "memory_bits": 32, "add_stages": 2},
    "1x6": {"rows": 1, "columns": 6, "memory_bits": 128},
    "5x3 slow": {"rows": 5, "columns": 3, "memory_bits": 64, "add_stages": 3, "multiply_stages": 2},
    "2x2 fp16": {
        "rows": 2,
        "columns": 2,
        "activation": "fp16",
        "weight": "fp16",
        "accumulator": "fp16",
        "rounding": "nearest-even",
        "memory_bits": 128,
    },
}


def load(fields, **others):
    return tileloom.load("sasp-8x8-int8", **{"host": "unit", "double_buffer": True} | fields | others)


@pytest.mark.parametrize("fields", but(CONFIGS, *(name for name in CONFIGS if name not in ("2x3", "1x1"))))
def test_random_commands(fields):
    """In memory with waits, errors and garbage, with resets: every word left there is the golden model's."""
    reached = generator_bench.run(load(fields), 4, SEED)
    for wanted in ("compared", "refused", "MULTIPLY", "loads", "stores", "error", "reset"):
        assert reached[wanted], f"no command reached {wanted}"


@pytest.mark.long
@pytest.mark.parametrize("fields", CONFIGS.values(), ids=CONFIGS)
def test_many_commands(fields):
    reached = generator_bench.run(load(fields), 24, SEED + 1)
    for wanted in ("error 1", "error 2", "error 3"):
        assert reached[wanted], f"no command reached {wanted}"


MUTANTS = {
    "sums before they are stored": (
        fetch,
        "wants &= ~self.ahead | ~store_walk.busy",
        "wants &= 1 | ~store_walk.busy",
    ),
    "weights too early": (unit, "unit.weight_ready & ~(fetch.weights.last & stepping)", "unit.weight_ready"),
    "a request that changes": (fetch, "memory.ask.eq(asks & memory.ready)", "memory.ask.eq(asks)"),
    "words beside a vector stored": (packer, "kept | (1 << self.lane)", "~0"),
    "strides of one word": (walk, "vector + self.stride", "vector + 1"),
    "an error passed over": (unit, "with m.If(fetch.error.any()):", "with m.If(0):"),
    "a beat begun elsewhere": (
        reader,
        "Cat(self.lane, self.last_lane)",
        "Cat(self.lane & 0, self.last_lane)",
    ),
}


HELD_MUTANTS = {
    "sums held are stored too": (
        fetch,
        "self.stores.ready.eq(1), packer.put.eq(0)",
        "self.stores.ready.eq(1)",
    ),
    "sums of the next command": (unit, "more.eq(sums.more)", "more.eq(y.more)"),
    "reads that step": (array, "summing & ~reads", "summing"),
    "sums kept after an error": (unit, "RESET_WEIGHTS | RESET_SUMS", "RESET_WEIGHTS"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", HELD_MUTANTS)
def test_mutants_that_hold_sums(name, monkeypatch):
    module, old, new = HELD_MUTANTS[name]
    changed = mutant(module, old, new)
    if module is fetch:
        monkeypatch.setattr(unit, "Fetch", changed.Fetch)
    if module is array:
        monkeypatch.setattr(unit, "Unit", changed.Unit)
    with pytest.raises(AssertionError):
        generator_bench.run(load(CONFIGS["2x3 held"]), 12, SEED, changed if module is unit else unit)


@pytest.mark.parametrize("name", few(MUTANTS, 1))
def test_mutants(name, monkeypatch):
    """Broken in one line the generator is found out."""
    module, old, new = MUTANTS[name]
    changed = mutant(module, old, new)
    if module in (packer, reader, walk):
        kind = {packer: "BeatPacker", reader: "BeatReader", walk: "VectorWalk"}[module]
        monkeypatch.setattr(fetch, kind, getattr(changed, kind))
    if module is fetch:
        monkeypatch.setattr(unit, "Fetch", changed.Fetch)
    with pytest.raises(AssertionError):
        generator_bench.run(load(CONFIGS["1x6"]), 12, SEED, changed if module is unit else unit)


def test_golden_product_with_sums_that_are_held():
    """The sum so far need not be in memory: only the last command along k stores."""
    config = load(CONFIGS["2x3 held"])
    x = [[0x3F800000, 0x40000000, 0xC0400000, 0x3FC00000], [0x40A00000, 0, 0x41100000, 0xBF000000]]
    w = [[1, 2, 0x83], [4, 5, 6], [7, 0x88, 9], [0, 1, 0x7F]]
    words = [word for first in (0, 2) for word in pack_weights(w[first : first + 2], 8)]
    memory = {4 * i: int(word) for i, word in enumerate(words)}
    memory |= {0x100 + 16 * m + 4 * k: word for m, row in enumerate(x) for k, word in enumerate(row)}
    golden = FetchingCoprocessor(
        memory, rows=2, columns=3, double_buffer=True, accumulators=17, **arithmetic(config)
    )
    for number, value in enumerate((0, 2, 16, 12)):
        golden.setting(value, number)
    before = dict(memory)
    assert golden.multiply(0x100, 0x203) == 0
    assert (golden.held(), memory) == (6, before)
    assert golden.multiply(0x108, 0x200) == 0
    wanted = gemm(x, w, rows=2, columns=3, host_adds_tiles=True, **arithmetic(config))
    found = [[memory[0x200 + 12 * m + 4 * n] for n in range(3)] for m in range(2)]
    assert (golden.held(), found) == (0, wanted.tolist())


def test_golden_product():
    """A product by the golden model's commands is that of `gemm` with tiles that the host adds."""
    config = load(CONFIGS["2x3"])
    x = [[0x3F800000, 0x40000000, 0xC0400000, 0x3FC00000], [0x40A00000, 0, 0x41100000, 0xBF000000]]
    w = [[1, 2, 0x83], [4, 5, 6], [7, 0x88, 9], [0, 1, 0x7F]]
    words = [word for first in (0, 2) for word in pack_weights(w[first : first + 2], 8)]
    memory = {4 * i: int(word) for i, word in enumerate(words)}
    memory |= {0x100 + 16 * m + 4 * k: word for m, row in enumerate(x) for k, word in enumerate(row)}
    golden = FetchingCoprocessor(memory, rows=2, columns=3, double_buffer=True, **arithmetic(config))
    for number, value in enumerate((0, 2, 16, 12)):
        assert golden.setting(value, number) == 0
    assert golden.multiply(0x100, 0x201) == golden.multiply(0x108, 0x200) == 0
    found = [[memory[0x200 + 12 * m + 4 * n] for n in range(3)] for m in range(2)]
    wanted = gemm(x, w, rows=2, columns=3, host_adds_tiles=True, **arithmetic(config))
    assert found == wanted.tolist()
    assert golden.setting(2, 4) == 0
    assert golden.multiply(0x100, 0x200) == 5 << 29


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": "cv-x-if"}, "memory_bits: is for host unit or cv32e40p"),
        ({"memory_bits": 48}, "memory_bits: must be 32, 64 or 128, not 48"),
        ({"double_buffer": False}, "memory_bits: an address generator loads weights while"),
    ],
)
def test_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        load({"memory_bits": 64} | fields)


def test_generate():
    """The manifest has the port and the instructions, the header their names."""
    design = tileloom.generate(load(CONFIGS["2x3"]))
    assert design.manifest["encoding"]["funct7"]["tl.multiply"] == 7
    ports = {port["name"]: port["width"] for port in design.manifest["ports"]}
    assert (ports["memory__rdata"], ports["memory__be"]) == (64, 8)
    assert "address generator" in design.manifest["modules"].values()
    assert "tileloom_multiply(uint32_t a, uint32_t p)" in design.sources[NAME]
