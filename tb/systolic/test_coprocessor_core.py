"""The array's instructions on the RTL of their cores: streams of tiles, interrupts in mid-tile, cycles."""

import pytest

import tileloom
from support.long import but
from support.seed import SEED
from tileloom.errors import ConfigError
from tileloom_sim.riscv.run import Conditions, Waits
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


def test_no_core():
    with pytest.raises(ConfigError, match="take host cv-x-if or cv32e40p"):
        coprocessor_system(load("unit", {}))
