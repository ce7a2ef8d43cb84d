"""The array's instructions on the RTL of their cores: streams of tiles, interrupts in mid-tile, cycles."""

from pathlib import Path

import pytest

import tileloom
from support.long import but, few
from support.seed import SEED
from tileloom.errors import CheckError, ConfigError
from tileloom.systolic.coprocessor.instruction import Operation
from tileloom.systolic.coprocessor.intrinsics import NAME, header
from tileloom_sim.riscv.compile import compile_program
from tileloom_sim.riscv.run import Conditions, TrapError, Waits, run_program
from tileloom_sim.systolic import stream_program
from tileloom_sim.systolic.hosts import coprocessor_system
from tileloom_sim.systolic.stream_program import cycles_per_word, random_stream

pytest.importorskip(
    "pythondata_cpu_cv32e40p", reason="the cores are not installed: pip install 'tileloom[xfu]'"
)

CONFIGS = {
    "4x8": {"columns": 8, "double_buffer": True},
    "4x4 single": {"double_buffer": False},
    "3x5 fp16": {
        "rows": 3,
        "columns": 5,
        "activation": "fp16",
        "weight": "bf16",
        "double_buffer": True,
        "add_stages": 2,
    },
    "5x2": {"rows": 5, "columns": 2, "weight": "int5", "rounding": "nearest-even", "double_buffer": True},
}
HOSTS = ("cv-x-if", "cv32e40p")
TARGETS = {"cv-x-if": (3.4, 4.7), "cv32e40p": (3.02, 4.02)}
"""Cycles of a word, without and with a partial sum from memory."""


def own_program(config, system, name):
    text = Path(__file__).with_name("programs").joinpath(name).read_text()
    return compile_program(system.core, {name: text, NAME: header(config)}, main=[name])


def load(host, fields):
    return tileloom.load("sasp-4x4-int8", host=host, **fields)


@pytest.mark.parametrize("fields", but(CONFIGS, *list(CONFIGS)[1:]))
@pytest.mark.parametrize("host", HOSTS)
def test_stream(host, fields):
    """Tiles one after the other, in single-cycle memory and in one that waits at random."""
    config = load(host, fields)
    system = coprocessor_system(config)
    random_stream(config, system, seed=SEED, tiles=5, vectors=7)
    random_stream(config, system, seed=SEED + 1, tiles=3, vectors=1)
    waits = Conditions(
        instruction_waits=Waits(grant=2, response=2),
        data_waits=Waits(grant=3, response=3),
        random_seed=SEED,
    )
    random_stream(config, system, seed=SEED + 2, conditions=waits)


@pytest.mark.parametrize("fields", but(CONFIGS, *list(CONFIGS)[1:]))
@pytest.mark.parametrize("host", HOSTS)
def test_interrupts(host, fields):
    """The handler saves the array, uses it, leaves it in mid-vector and restores it; no result changes."""
    config = load(host, fields)
    run = random_stream(config, coprocessor_system(config), seed=SEED, interrupts=40)
    assert run.interrupts >= 40


@pytest.mark.long
@pytest.mark.parametrize("fields", but(CONFIGS))
@pytest.mark.parametrize("host", HOSTS)
def test_a_thousand_interrupts(host, fields):
    config = load(host, fields)
    system = coprocessor_system(config)
    taken = 0
    for seed in range(4):
        taken += random_stream(config, system, seed=SEED + seed, interrupts=250, distance=1200).interrupts
    assert taken >= 1000


@pytest.mark.parametrize("host", HOSTS)
def test_cycles(host):
    """The issue's targets: 3.0 cycles a word on CV32E40P, 3.4 on CV32E40X."""
    config = load(host, CONFIGS["4x8"])
    stepping, adding = cycles_per_word(config, coprocessor_system(config), seed=SEED)
    assert stepping <= TARGETS[host][0] + 0.02
    assert adding <= TARGETS[host][1] + 0.1
    print(f"{host}: {stepping:.3f} and {adding:.3f} cycles a word")


LOST = {
    "activations": "tileloom_step(i < TILELOOM_ROWS ? context->activations[i] : 0, 0);",
    "results": "tileloom_result(context->results[i]);",
    "the tile begun": "tileloom_weight(context->next[i]);",
    "the tile in use": "tileloom_weight(context->tile[i]);\n#if",
}


@pytest.mark.parametrize("name", few(LOST))
def test_what_is_not_restored_is_missed(name, monkeypatch):
    """A handler that leaves out one part of the state is found out."""
    text = LOST[name]
    broken = text.replace("context->", "0 * context->")

    def changed(config):
        right = header(config)
        assert right.count(text) == 1
        return right.replace(text, broken)

    monkeypatch.setattr(stream_program, "header", changed)
    config = load("cv32e40p", CONFIGS["4x8"])
    with pytest.raises(CheckError):
        random_stream(config, coprocessor_system(config), seed=SEED, interrupts=60)


@pytest.mark.parametrize(
    "word", [0x0000702B | 7 << 25, 0x0000702B | Operation.STATUS << 25 | 1 << 15], ids=["funct7", "register"]
)
@pytest.mark.parametrize("host", HOSTS)
def test_illegal(host, word):
    config = load(host, CONFIGS["4x8"])
    system = coprocessor_system(config)
    source = f'int main(void) {{ __asm__ volatile(".word {word:#x}"); return 0; }}\n'
    program = compile_program(system.core, {"main.c": source}, main=["main.c"])
    with pytest.raises(TrapError, match="illegal instruction"):
        run_program(system, program)


@pytest.mark.parametrize("host", HOSTS)
def test_assembler(host):
    """The header's macros; what one returns is used by the next one at once."""
    config = load(host, CONFIGS["4x8"])
    system = coprocessor_system(config)
    assert run_program(system, own_program(config, system, "instructions.S")).exit_code == 0


def test_beside_the_fpu():
    """Operations of the FPU and of the array in turn, each with the other's result."""
    config = load("cv32e40p", CONFIGS["4x8"])
    system = coprocessor_system(config)
    assert run_program(system, own_program(config, system, "beside_fpu.c")).exit_code == 0


def test_no_core():
    with pytest.raises(ConfigError, match="take host cv-x-if or cv32e40p"):
        coprocessor_system(load("unit", {}))
