"""An array that holds partial sums: its operations, what is refused, and its C library on the core."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import tileloom
from support.long import but, few
from support.mutant import mutant
from support.seed import SEED
from tileloom.cli.main import main
from tileloom.errors import CheckError, ConfigError
from tileloom.families import design_name
from tileloom.systolic.coprocessor import accumulators, sums, unit
from tileloom.systolic.coprocessor.instruction import ACCUMULATORS, FORMS
from tileloom.systolic.coprocessor.intrinsics import NAME, header
from tileloom_golden.estimate.accumulated import accumulated_cycles, parts
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.packing import pack_weights
from tileloom_golden.systolic.tiles import kept_tiles
from tileloom_sim.riscv.run import SASP_CACHES, Conditions, Waits
from tileloom_sim.systolic import stream_program
from tileloom_sim.systolic.array_library import Arrangement, run_array
from tileloom_sim.systolic.hosts import coprocessor_system
from tileloom_sim.systolic.reference import arithmetic, operand_format
from tileloom_sim.systolic.simulate_host import library_cycles
from tileloom_sim.systolic.stimulus import float_words, integer_words
from tileloom_sim.systolic.stream_program import random_stream

from . import coprocessor_bench, coprocessor_host
from .test_array_library import drawn, golden

CONFIGS = {
    "2x3": {"rows": 2, "columns": 3, "accumulators": 9},
    "1x1": {"rows": 1, "columns": 1, "weight": "fp32", "accumulators": 3},
    "3x2 single": {"rows": 3, "columns": 2, "double_buffer": False, "accumulators": 7},
    "5x3 slow": {"rows": 5, "columns": 3, "add_stages": 3, "multiply_stages": 2, "accumulators": 9},
    "2x4 bf16": {"rows": 2, "columns": 4, "weight": "int4", "accumulator": "bf16", "accumulators": 12},
}
ON_CORE = {
    "4x8": {"columns": 8, "accumulators": 64},
    "5x3": {"rows": 5, "weight": "int5", "columns": 3, "rounding": "nearest-even", "accumulators": 11},
    "1x1": {"rows": 1, "columns": 1, "accumulators": 7},
    "4x4 fp32": {"weight": "fp32", "add_stages": 2, "accumulators": 16},
}


def load(fields, host="unit"):
    return tileloom.load("sasp-8x8-int8", host=host, **{"double_buffer": True, **fields})


def on_core(fields, host="cv32e40p"):
    return tileloom.load("sasp-4x4-int8", host=host, double_buffer=True, **fields)


@pytest.mark.parametrize("fields", but(CONFIGS, *list(CONFIGS)[1:]))
def test_random_operations(fields):
    """Any operation at any time, with the memory empty and full: every result is the golden model's."""
    reached = coprocessor_bench.run(load(fields), 600, SEED)
    for wanted in (*(each.name for each in ACCUMULATORS), "taken back", "NEXT waited", "sums full"):
        assert reached[wanted], f"no operation reached {wanted}"


@pytest.mark.long
@pytest.mark.parametrize("name", ["2x3", "3x2 single", "5x3 slow"])
def test_random_host(name):
    """On CV-X-IF with stalls, kills and resets: what completes is the golden model's, in order."""
    reached = coprocessor_host.run(load(CONFIGS[name], "cv-x-if"), 1500, SEED)
    assert reached["killed in flight"]
    assert reached["reset"]


MUTANTS = {
    "a sum before it is read": (accumulators, "self.ready.eq(~removes | sums.there)", "self.ready.eq(1)"),
    "a sum taken without a result": (
        accumulators,
        "[removes.eq(self.takes & (sums.count != 0))",
        "[removes.eq(sums.count != 0)",
    ),
    "a word for a full memory": (accumulators, "& adds & (removes | (sums.count != depth))", "& adds"),
    "none for a full memory": (accumulators, "(removes | (sums.count != depth))", "(sums.count != depth)"),
    "a first sum is added": (
        accumulators,
        "m.d.comb += adds.eq(self.takes)",
        "m.d.comb += [removes.eq(self.takes & (sums.count != 0)), adds.eq(self.takes)]",
    ),
    "sums that stay": (accumulators, "sums.clear.eq(self.taken &", "sums.clear.eq(0 &"),
    "a word read as it is written": (sums, "left.eq(self.count != self.take)", "left.eq(self.count != 0)"),
    "the memory is not read again": (sums, "left & (self.take | ~self.there)", "left & self.take"),
}


@pytest.mark.parametrize("name", few(MUTANTS, 1))
def test_mutants(name, monkeypatch):
    """Broken in one line it is found out."""
    module, old, new = MUTANTS[name]
    changed = mutant(module, old, new)
    if module is sums:
        monkeypatch.setattr(accumulators, "SumQueue", changed.SumQueue)
    else:
        monkeypatch.setattr(unit, "Accumulators", changed.Accumulators)
    with pytest.raises(AssertionError):
        coprocessor_bench.run(load(CONFIGS["2x3"]), 4000, SEED)


@pytest.mark.parametrize("fields", CONFIGS.values(), ids=CONFIGS)
def test_golden_product(fields):
    """Three tiles along k, the first held, the last given out: `gemm` with tiles that the host adds."""
    config = load(fields)
    rng, rows, columns = np.random.default_rng(SEED), config.rows, config.columns
    vectors = config.accumulators // columns
    x = float_words(rng, config.activation, (vectors, 3 * rows))
    if hasattr(config.weight, "bits"):
        w = np.array([integer_words(rng, config.weight.bits, columns) for _ in range(3 * rows)])
    else:
        w = float_words(rng, config.weight, (3 * rows, columns))
    model, results = coprocessor_bench.model(config), []
    # The results of a tile's last two vectors come with the next one's first.
    ways = [way for way in (model.first, model.next, model.last) for _ in range(vectors)]
    given = 0
    for first in range(0, 3 * rows, rows):
        for word in pack_weights(w[first : first + rows], config.weight.width):
            model.weight(int(word))
        for vector in x[:, first : first + rows]:
            way = ways[max(given - 2, 0)]
            for activation in [*map(int, vector), *[0] * config.step_interval][: config.step_interval]:
                taken = model.status() & 0xFF > columns
                word = way(activation)
                results += [word] if way == model.last and taken else []
            given += 1
    while len(results) < vectors * columns:
        results.append(model.read(model.sum()))
    wanted = gemm(x, w, rows=rows, columns=columns, host_adds_tiles=True, **arithmetic(config))
    assert results == wanted.ravel().tolist()
    assert not model.held()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "accumulators: is for an array with a host"),
        ({"host": "unit", "accumulators": 11}, "accumulators: must be from 12 to 65536, not 11"),
    ],
)
def test_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        tileloom.load("sasp-4x4-int8", **{"accumulators": 12, **fields})


def test_generate():
    """The header and the manifest have the operations of this array; without the memory none of them."""
    with_sums, without = (
        tileloom.generate(load({"rows": 2, "columns": 2, **fields})) for fields in ({"accumulators": 6}, {})
    )
    names = {FORMS[each].name for each in ACCUMULATORS}
    assert names <= set(with_sums.manifest["encoding"]["funct7"])
    assert not names & set(without.manifest["encoding"]["funct7"])
    assert "#define TILELOOM_ACCUMULATORS 6" in with_sums.sources[NAME]
    assert "tileloom_next" in with_sums.sources[NAME]
    assert "tileloom_next" not in without.sources[NAME]


@pytest.mark.long
def test_the_memory_is_a_macro(tmp_path):
    """Its area is left out, its bits are told, and its model is among the files."""
    command = ["synth", "sasp-4x4-int8", "--json", "-o", str(tmp_path)]
    fields = {"rows": 1, "columns": 2, "host": "unit", "accumulators": 4096}
    sets = [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]
    done = CliRunner().invoke(main, [*command, *sets])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["memory_bits"] == {"sums": 4096 * 32}
    assert figures["gate_equivalents"] < 20_000
    (model,) = tmp_path.glob("*.memories.v")
    assert "_sums_memory" in model.read_text()


def test_names():
    """A field that is left out changes no name."""
    assert design_name(load({})) == "systolic_8x8_fp32_int8_word_unit_3924bc50"


def test_parts_have_two_vectors_or_more_and_fit():
    for most in range(3, 40):
        for vectors in range(2, 200):
            lengths = parts(vectors, most)
            assert sum(lengths) == vectors
            assert all(2 <= each <= most for each in lengths), (vectors, most)


@pytest.mark.long
@pytest.mark.parametrize("fields", ON_CORE.values(), ids=ON_CORE)
def test_products_of_any_size(fields):
    """Bit for bit, both arrangements, in single-cycle memory, with waits and with caches."""
    config = on_core(fields)
    for shape in ((1, 1, 1), (2, 4, 8), (7, 13, 11), (33, 17, 20), (17, 40, 9)):
        for zeros in (0, 0.6):
            x, w = drawn(config, shape, zeros=zeros)
            for arrangement in Arrangement:
                run = run_array(config, x, w, arrangement=arrangement)
                assert run.results.tolist() == golden(config, x, w), (shape, zeros, arrangement)
    slow = Conditions(data_waits=Waits(grant=1, response=3), random_seed=SEED)
    for conditions in (slow, Conditions(caches=SASP_CACHES)):
        assert run_array(config, x, w, conditions=conditions).results.tolist() == golden(config, x, w)


@pytest.mark.long
def test_products_on_cv_x_if():
    config = on_core(ON_CORE["4x8"], "cv-x-if")
    x, w = drawn(config, (17, 40, 20))
    assert run_array(config, x, w).results.tolist() == golden(config, x, w)


@pytest.mark.long
@pytest.mark.parametrize("place", [0, 2, 4], ids=["first", "middle", "last"])
def test_tiles_left_out(place):
    """The first, a middle and the last tile of k, in every other column of tiles; and one column alone."""
    config = on_core(ON_CORE["4x8"])
    x, w = drawn(config, (9, 20, 40), zeros=0)
    w[4 * place : 4 * place + 4, :16] = 0
    w[:, 24:32] = 0
    w[np.arange(20) // 4 != place, 32:] = 0
    run = run_array(config, x, w)
    assert run.results.tolist() == golden(config, x, w)
    assert run.cycles < run_array(config, x, w, skip_zero_tiles=False).cycles


@pytest.mark.long
@pytest.mark.parametrize("host", ["cv32e40p", "cv-x-if"])
@pytest.mark.parametrize("fields", ON_CORE.values(), ids=ON_CORE)
def test_interrupts(fields, host):
    """The handler saves sums too, holds its own, leaves some, and restores; no result changes."""
    config = on_core(fields, host)
    system = coprocessor_system(config)
    random_stream(config, system, seed=SEED, tiles=5, vectors=7)
    assert random_stream(config, system, seed=SEED, interrupts=250, distance=900).interrupts >= 250


@pytest.mark.long
def test_sums_that_are_not_restored_are_missed(monkeypatch):
    """A handler that leaves them out is found out."""
    config, text = on_core(ON_CORE["1x1"]), "tileloom_hold(context->sums[i]);"
    right = header(config)
    assert right.count(text) == 1
    monkeypatch.setattr(stream_program, "header", lambda _: right.replace(text, "tileloom_hold(0);"))
    with pytest.raises(CheckError):
        random_stream(config, coprocessor_system(config), seed=SEED, interrupts=60, distance=300)


@pytest.mark.long
def test_a_word_is_little_more_than_two_cycles():
    """A load and a step, of a product of eight tiles along k with all that is around them."""
    assert library_cycles(tileloom.load("sasp-cv32e40p-accumulators"), seed=SEED) < 2.3


@pytest.mark.long
@pytest.mark.parametrize("fields", [ON_CORE["4x8"], {"rows": 8, "columns": 8, "accumulators": 256}], ids=str)
def test_cycles_are_those_of_the_model(fields):
    """Within 1 % over 50 random layers; -s prints the largest difference."""
    config, random = on_core(fields), np.random.default_rng(SEED)
    rows, columns, worst = config.rows, config.columns, 0.0
    for index in range(50):
        m, k, n = (int(random.integers(least, 64)) for least in (4, 8, 8))
        arrangement = list(Arrangement)[index % 2]
        x, w = drawn(config, (m, k, n), zeros=float(random.choice([0, 0.25, 0.6])), seed=index)
        found = run_array(config, x, w, arrangement=arrangement).cycles
        expected = accumulated_cycles(
            kept_tiles(w, rows, columns, operand_format(config.weight)),
            m,
            steps=config.step_interval,
            columns=columns,
            weight_words=rows * -(-columns // config.weights_per_word),
            accumulators=config.accumulators,
            row_major=arrangement is Arrangement.ROWS,
        )
        worst = max(worst, abs(expected / found - 1))
        assert expected == pytest.approx(found, rel=0.01), (m, k, n, arrangement)
    print(f"50 random layers on {rows} x {columns}: model within {worst:.2%} of RTL")
