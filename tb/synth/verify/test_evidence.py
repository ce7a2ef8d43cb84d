"""``tileloom verify --report``: what it makes of kept runs, and what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main

PROOFS = [
    {"property": "sum", "how": "solver", "proved": proved, "queries": 3, "seconds": 1.5, "formats": name}
    for name, proved in (("fp32", True), ("fp16", None))
]
COUNTS = {"mutants": 60, "killed": 49, "by_proof": 2, "equal": 10, "survived": 1, "score": 0.98}
MUTATION = {"name": "array", "seed": 1, **COUNTS, "parts": {"mesh": COUNTS}, "survivors": []}
OLDER = {"mutants": 20, "killed": 9, "equal": 10, "survived": 1, "score": 0.9}
OTHER_PART = {"name": "array", "seed": 1, **OLDER, "parts": {"skew": OLDER}, "survivors": []}
REACHED = {"reached": 9, "of": 10}
COVERAGE = {
    "seed": 1,
    "designs": [
        {"name": "array", "bins": {"a": 3, "b": 0}, "lines": REACHED, "branches": REACHED, "toggles": REACHED}
    ],
}
LAYERS = {"name": "engine", "seed": 3, "layers": 20, "runs": 40, "results": 5000, "cycles": 900}
PROGRAMS = {
    "name": "unit",
    "core": "a core",
    "seed": 7,
    "programs": 2,
    "runs": 10,
    "instructions": 4000,
    "interrupts": 30,
    "executed": {"add": 1, "sub": 2},
}
SOAK = {"seed": 4, "minutes": 90.0, "families": {"systolic": {"designs": 7}}, "failed": None}
KINDS = (PROOFS, MUTATION, OTHER_PART, COVERAGE, LAYERS, PROGRAMS, SOAK)


def run(*arguments: str):
    return CliRunner().invoke(main, ["verify", "--report", *arguments])


def test_all_kinds_are_put_together(tmp_path: Path) -> None:
    for name, content in zip("abcdefg", KINDS, strict=True):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    lines = run(str(tmp_path)).stdout.splitlines()
    assert "| proved | 1 of 2 properties, 3 s |" in lines
    assert "| exhaustive | 20 small layers of engines, 40 runs, none stands still |" in lines
    assert "| engine | 3 | 20 | 40 | 5,000 | 900 |" in lines
    assert "| faults noticed | 58 of 60 that change anything, 96.7%; 2 by proofs alone |" in lines
    assert (
        "| reached | 1 of 2 bins, 90.0% of lines, 90.0% of branches, 90.0% of toggles; 1 designs |" in lines
    )
    assert (
        "| no other instruction changed | 2 random RISC-V programs, 4,000 instructions, 30 interrupts |"
        in lines
    )
    assert "| soaked | 1.5 hours, 7 designs drawn, 0 of them failed |" in lines
    assert "| sum | solver | 2 | 6 | 3.0 | NO |" in lines
    assert "| array | mesh | 60 | 49 | 2 | 10 | 98.0% |" in lines
    # Two runs are of two parts of one design.
    assert "| array | all | 80 | 58 | 2 | 20 | 96.7% |" in lines
    assert "| array | 1/2 | 9/10 | 9/10 | 9/10 |" in lines
    assert "| a core | 7 | 2 | 10 | 4,000 | 30 | 2 |" in lines
    assert "| 4 | 90 | 7 systolic | nothing |" in lines


@pytest.mark.parametrize(
    "content", ["", "[1]", "{}", '{"parts": {}}', '[{"property": "sum"}]', '{"designs": [{}]}', "null", '"x"']
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "some.json").write_text(content)
    result = run(str(tmp_path))
    assert (
        result.exit_code == 2 and "some.json: is not what tileloom verify prints with --json" in result.stderr
    )
    assert not result.stdout


def test_an_empty_folder_and_other_options_are_refused(tmp_path: Path) -> None:
    assert "has no *.json; keep there what" in run(str(tmp_path)).stderr
    for more in (["--json"], ["xfu-unit"], ["--timeout", "3"], ["--seed", "1"], ["--formal"]):
        assert run(str(tmp_path), *more).exit_code == 2, more
