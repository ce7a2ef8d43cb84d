"""The step that adds our lines to the installed core, and what it refuses."""

from pathlib import Path

import pytest

from tileloom import yosys
from tileloom.coprocessor.design import FILE_LIST
from tileloom.coprocessor.edits import VERSION
from tileloom.cores import CV32E40P
from tileloom.errors import UserError
from tileloom.xfu.config import Host, XfuConfig
from tileloom.xfu.cv32e40p.design import generate_core
from tileloom.xfu.cv32e40p.edits import COUNTED_ON, FILES
from tileloom.xfu.cv32e40p.patch import UNIT, patch_sources
from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_sim.build import toolchain
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


@pytest.mark.parametrize("name", ["made", "made with blanks"])
def test_the_file_list_works_from_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / name, tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    design = generate_core(XfuConfig(host=Host.CV32E40P))
    for path, text in design.files(Path(name)).items():
        path.write_text(text)
    listed = [line.strip('"') for line in (folder / FILE_LIST).read_text().splitlines()]
    assert {Path(path).name for path in listed} == {f"{design.name}.v", *CV32E40P.sources()}
    monkeypatch.chdir(elsewhere)
    verilator = toolchain.verilator()
    options = ["--lint-only", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-timing", "-GCOREV_PULP=1"]
    # Yosys takes no quotes around a path.
    (elsewhere / FILE_LIST).write_text((folder / FILE_LIST).read_text())
    for option in ("-f", "-F"):
        files = [option, str(folder / FILE_LIST)]
        command = [str(verilator.executable), *options, "--top-module", CV32E40P.top, *files]
        toolchain.run(command, "Reading the list", verilator.environment(), elsewhere)
        yosys.run(f"read_slang --top {CV32E40P.top} -G COREV_PULP=1 {option} {elsewhere / FILE_LIST}")
