"""The step that adds our lines to the installed core, and what it refuses."""

import pytest

from tileloom.cores import CV32E40P
from tileloom.errors import UserError
from tileloom.xfu.cv32e40p.edits import COUNTED_ON, FILES, VERSION
from tileloom.xfu.cv32e40p.patch import UNIT, patch_sources
from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_sim.riscv.compile import compile_program
from tileloom_sim.riscv.run import TrapError, run_program
from tileloom_sim.riscv.system import System


def test_only_lines_are_added_and_few_changed() -> None:
    sources = CV32E40P.sources()
    patched = patch_sources(sources)
    changed = {name for name, text in sources.items() if patched[name] != text}
    assert changed == {file.name for file in FILES}
    assert set(patched) - set(sources) == {UNIT}
    for file in FILES:
        kept = set(patched[file.name].splitlines())
        lost = [line for line in sources[file.name].splitlines() if line not in kept]
        assert len(lost) <= 4, lost


@pytest.mark.parametrize("name", [*(file.name for file in FILES), *COUNTED_ON])
def test_another_version_is_refused(name: str) -> None:
    sources = CV32E40P.sources()
    with pytest.raises(
        UserError, match=f"^{name}: is not that of pythondata-cpu-cv32e40p {VERSION}, the only"
    ):
        patch_sources({**sources, name: sources[name] + "\n"})
    del sources[name]
    with pytest.raises(UserError, match=f"^{name}: missing"):
        patch_sources(sources)


@pytest.mark.parametrize("word", [encode_decimate(4, 10, 11, 12), encode_counter(10, 11)])
def test_the_core_as_it_is_knows_none_of_the_instructions(word: int) -> None:
    source = f".globl main\nmain:\n.word {word:#x}\nret\n"
    program = compile_program("cv32e40p", {"main.S": source}, main=["main.S"])
    with pytest.raises(TrapError) as trap:
        run_program(System(core="cv32e40p"), program)
    assert (trap.value.cause, trap.value.pc) == (2, program.symbols["main"])
