"""The array as a functional unit against its golden model: operation by operation, and on CV-X-IF."""

import numpy as np
import pytest
from click.testing import CliRunner

import tileloom
from support.long import but, few
from support.mutant import mutant
from support.seed import SEED
from tileloom.cli.main import main
from tileloom.coprocessor import commitment
from tileloom.cores import CV32E40P_FPU
from tileloom.errors import ConfigError, UserError
from tileloom.systolic.coprocessor import cv_x_if, tile, unit
from tileloom.systolic.coprocessor.cv32e40p.edits import FILES
from tileloom.systolic.coprocessor.cv32e40p.patch import changed_sources
from tileloom.systolic.coprocessor.instruction import Operation, encode
from tileloom.systolic.coprocessor.intrinsics import NAME
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.packing import pack_weights
from tileloom_sim.systolic.reference import arithmetic
from tileloom_sim.systolic.stimulus import float_words, integer_words

from . import coprocessor_bench, coprocessor_host

CONFIGS = {
    "2x3": {"rows": 2, "columns": 3},
    "3x2 single": {"rows": 3, "columns": 2, "double_buffer": False, "add_stages": 2},
    "2x2 fp16": {
        "rows": 2,
        "columns": 2,
        "activation": "fp16",
        "weight": "fp16",
        "accumulator": "fp16",
        "rounding": "nearest-even",
        "add_stages": 3,
    },
    "1x1": {"rows": 1, "columns": 1, "weight": "fp32"},
    "1x3 single": {"rows": 1, "columns": 3, "double_buffer": False},
    "3x1": {"rows": 3, "columns": 1, "add_stages": 2},
    "5x3 slow": {"rows": 5, "columns": 3, "add_stages": 3, "multiply_stages": 2},
    "3x5 single slow": {"rows": 3, "columns": 5, "double_buffer": False, "add_stages": 2},
    "2x4 int4 gated": {"rows": 2, "columns": 4, "weight": "int4", "accumulator": "bf16", "gate_zeros": True},
}


def load(fields, host="unit"):
    return tileloom.load("sasp-8x8-int8", host=host, **{"double_buffer": True, **fields})


@pytest.mark.parametrize("fields", but(CONFIGS, *list(CONFIGS)[3:]))
def test_random_operations(fields):
    """Any operation at any time, back to back or with gaps: every result is the golden model's."""
    reached = coprocessor_bench.run(load(fields), 800, SEED)
    drawn = (operation.name for operation in coprocessor_bench.MIX)
    for wanted in ("compared", "waited", "taken back", *drawn):
        assert reached[wanted], f"no operation reached {wanted}"


@pytest.mark.parametrize("fields", but(CONFIGS, *list(CONFIGS)[1:]))
def test_random_host(fields):
    """On CV-X-IF with stalls, commits, kills and resets: what completes is the golden model's, in order."""
    reached = coprocessor_host.run(load(fields, "cv-x-if"), 500, SEED)
    for wanted in (
        "compared",
        "killed in flight",
        "killed on offer",
        "committed while offered",
        "reset",
        "foreign",
    ):
        assert reached[wanted], f"the host reached no {wanted}"


MUTANTS = {
    "a result too early": (unit, "(~takes | (results.count != 0)) & (fits | reading)", "(fits | reading)"),
    "taken from too few": (unit, "(unread > columns)", "(unread >= columns)"),
    "no swap": (tile, "swap.start.eq(self.start & self.complete)", "swap.start.eq(0)"),
    "weights before the swap has passed": (tile, "self.vacant.eq(~swap.taps.any())", "self.vacant.eq(1)"),
    "a tile that stays complete": (tile, "with m.If(self.start | self.clear)", "with m.If(self.clear)"),
    "room for one too many": (unit, "& (unread + place < columns + steps)", ""),
    "restored before all have come": (unit, "self.ready.eq(results.count == unread)", "self.ready.eq(1)"),
    "reset under way": (unit, "self.ready.eq(~wave.taps.any())", "self.ready.eq(1)"),
    "partial sum left out": (unit, "add.a.eq(self.b)", "add.a.eq(0)"),
}


@pytest.mark.parametrize("name", few(MUTANTS, 3))
def test_mutants(name, monkeypatch):
    """Broken in one line the unit is found out."""
    module, old, new = MUTANTS[name]
    changed = mutant(module, old, new)
    if module is tile:
        monkeypatch.setattr(unit, "TileWriter", changed.TileWriter)
    with pytest.raises(AssertionError):
        coprocessor_bench.run(load(CONFIGS["2x3"]), 3000, SEED, changed if module is unit else unit)


HOST_MUTANTS = {
    "kill lost": (commitment, "kills_waiting = kills & (", "kills_waiting = self.commit_kill & 0 & ("),
    "executes when offered": (commitment, "waits & (committed | commits_waiting) & (", "waits & ("),
    "state changes twice": (cv_x_if, "unit.taken.eq(commitment.done)", "unit.taken.eq(self.result_valid)"),
    "commit of an offer lost": (
        cv_x_if,
        "commitment.offered_committed.eq(committed)",
        "commitment.offered_committed.eq(0)",
    ),
}


@pytest.mark.parametrize("name", few(HOST_MUTANTS, 2))
def test_host_mutants(name, monkeypatch):
    """Broken in one line the adapter is found out."""
    module, old, new = HOST_MUTANTS[name]
    changed = mutant(module, old, new)
    if module is commitment:
        monkeypatch.setattr(cv_x_if, "Commitment", changed.Commitment)
    with pytest.raises((AssertionError, ValueError)):
        coprocessor_host.run(
            load(CONFIGS["2x3"], "cv-x-if"), 1000, SEED, changed if module is cv_x_if else cv_x_if
        )


@pytest.mark.parametrize("fields", CONFIGS.values(), ids=CONFIGS)
def test_golden_product(fields):
    """A product by the golden model's instructions is that of `gemm` with tiles that the host adds."""
    config = load(fields)
    rng = np.random.default_rng(SEED)
    inner, outer, vectors = 2 * config.rows, config.columns, 5
    x = float_words(rng, config.activation, (vectors, inner))
    if hasattr(config.weight, "bits"):
        w = np.array([integer_words(rng, config.weight.bits, outer) for _ in range(inner)])
    else:
        w = float_words(rng, config.weight, (inner, outer))
    start = float_words(rng, config.accumulator, (vectors, outer))
    golden = coprocessor_bench.model(config)
    sums = start.copy()
    for first in (0, config.rows):
        rows = slice(first, first + config.rows)
        for word in pack_weights(w[rows], config.weight.width):
            golden.weight(int(word))
        stream = sums.reshape(-1)
        given = [int(word) for word in stream]
        results = []
        for vector in range(vectors):
            activations = [*map(int, x[vector, rows]), *[0] * config.step_interval][: config.step_interval]
            for index, activation in enumerate(activations):
                takes = vector >= 2 and index < outer
                result = golden.step(activation, given[len(results)] if takes else 0)
                results += [result] if takes else []
        while len(results) < vectors * outer:
            results.append(golden.read(given[len(results)]))
        sums = np.array(results, np.uint64).reshape(sums.shape)
    wanted = gemm(
        x, w, rows=config.rows, columns=outer, host_adds_tiles=True, psum=start, **arithmetic(config)
    )
    assert (sums == wanted).all()


def test_golden_needs_a_tile():
    golden = coprocessor_bench.model(load(CONFIGS["1x1"]))
    with pytest.raises(ValueError, match="finds 0 of a tile's 1 words"):
        golden.step(0)


def test_encoding():
    assert encode(Operation.STEP, rd=10, rs1=11, rs2=12) == 0x00C5F52B
    assert encode(Operation.RESULT, rs1=31) == 0x0C0FF02B
    with pytest.raises(ValueError, match=r"rs2: tl\.weight does not use it"):
        encode(Operation.WEIGHT, rs1=1, rs2=2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"port": "stream"}, "host: is for a word port"),
        ({"id_width": 4}, "id_width: is for a coprocessor on CV-X-IF"),
        ({"host": "cv-x-if", "id_width": 9}, "id_width: must be from 2 to 8"),
        (
            {"weight": "int16", "accumulator": "bf16"},
            "accumulator: bf16 has no word for some values of int16",
        ),
        ({"weight": "fp32", "accumulator": "bf16"}, "accumulator: bf16 has no word for some values of fp32"),
        ({"axi4_stream_names": True}, "axi4_stream_names: is for an array without"),
    ],
)
def test_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        tileloom.load("sasp-4x4-int8", **{"host": "unit", **fields})


def test_generate(tmp_path):
    """Verilog, the header, and for a core its files in a list; the manifest says what was built."""
    alone = tileloom.generate(load(CONFIGS["2x3"], "cv-x-if"))
    assert set(alone.sources) == {NAME}
    assert "#define TILELOOM_STEPS 3" in alone.sources[NAME]
    assert alone.manifest["encoding"]["funct7"]["tl.step"] == 0
    assert alone.manifest["timing"]["vectors_behind"] == 2
    pytest.importorskip("pythondata_cpu_cv32e40p")
    core = tileloom.generate(load(CONFIGS["2x3"], "cv32e40p"))
    files = core.files(tmp_path)
    listed = files[tmp_path / "cv32e40p.f"].splitlines()
    assert str(tmp_path / f"{core.name}.v") in listed
    assert core.manifest["parameters"] == {"COREV_PULP": 1, "FPU": 1}
    installed = CV32E40P_FPU.sources()
    changed = {path.name for path, text in files.items() if installed.get(path.name, text) != text}
    assert changed == {file.name for file in FILES}


def test_another_version_of_the_core():
    sources = CV32E40P_FPU.sources()
    with pytest.raises(UserError, match=r"cv32e40p_top\.sv: is not that of pythondata-cpu-cv32e40p"):
        changed_sources({**sources, "cv32e40p_top.sv": sources["cv32e40p_top.sv"] + " "}, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["simulate", "sasp-cv-x-if", "--simulator", "icarus"],
            "--simulator: is for an array without a host",
        ),
        (["simulate", "sasp-4x4-int8", "--interrupts", "3"], "--interrupts: is for an array with a host"),
        (
            ["roofline", "sasp-cv-x-if", "--gemm", "8,8,8"],
            "host: there is no roofline of an array with a host",
        ),
    ],
)
def test_commands_refuse(arguments, message):
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert message in done.stderr
