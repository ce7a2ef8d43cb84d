"""The examples of docs/driver.md do what it says: in C on the RISC-V system, in Python in simulation."""

import re
from pathlib import Path

import numpy as np
import pytest

from tileloom.systolic.design import generate
from tileloom_sim.engine.system import CORE, engine_block
from tileloom_sim.riscv.compile import c_sources, compile_program
from tileloom_sim.riscv.run import run_program
from tileloom_sim.riscv.system import System
from tileloom_sim.systolic.system import array_block

from .designs import CONFIG, FLOAT_ARRAY, design_of
from .simulated import SimulatedEngine

PAGE = Path(__file__).parents[2] / "docs" / "driver.md"
TOML = """
family = "engine"
m = 2
k = 4
n = 4
bus = 64
a_words = 64
acc_tiles = 4
port = "axi4"
wrapper = "axi4"
"""


def example(language: str, of: str) -> str:
    """Return the one example that has a text in it."""
    found = re.findall(f"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (only,) = [text for text in found if of in text]
    return only


def test_the_example_in_c() -> None:
    design = design_of(CONFIG)
    sources = c_sources(design) | {"example.c": example("c", "tileloom_engine").replace("NAME", design.name)}
    parts = [f"{design.name}_{part}.c" for part in ("driver", "program", "cut", "data")]
    program = compile_program(CORE, sources, main=["example.c", "memory.c", *parts])
    system = System(core=CORE, device=engine_block(CONFIG, design))
    assert run_program(system, program).exit_code == 0


def test_the_example_of_an_array_in_c() -> None:
    design = generate(FLOAT_ARRAY)
    sources = c_sources(design) | {
        "example.c": example("c", "tileloom_systolic").replace("NAME", design.name)
    }
    parts = [f"{design.name}_{part}.c" for part in ("driver", "product", "dma")]
    program = compile_program(CORE, sources, main=["example.c", "memory.c", *parts])
    system = System(core=CORE, device=array_block(FLOAT_ARRAY, design))
    assert run_program(system, program).exit_code == 0


def test_the_example_in_python(
    rng: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "my_engine.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    names = {"bus": SimulatedEngine(CONFIG, rng)}
    exec(example("python", "EngineDriver"), names)
    assert re.fullmatch(r"\d+ cycles\n", capsys.readouterr().out)
    sums = names["x"].astype(int) @ names["w"]
    np.testing.assert_array_equal(names["y"], np.rint(127 / 22 * sums))
