"""``tileloom verify --collect``: runs are kept, not made twice, and what fails is told."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.errors import CheckError, ToolError
from tileloom.families import load
from tileloom.processes import Finished
from tileloom_synth.verify.collect import RUNS, Run, collect, plan
from tileloom_synth.verify.command import verify_command


class Runner:
    """Ends runs as it is told, and knows which it was asked for."""

    def __init__(self, **status: int) -> None:
        self.status = status
        self.asked: list[str] = []

    def __call__(self, run: Run) -> Finished:
        """Run one."""
        self.asked.append(run.name)
        status = self.status.get(run.name, 0)
        return Finished(status, "" if status == 2 else json.dumps({"of": run.name}), "Error: some reason")


def test_runs_are_kept_and_not_made_twice(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with pytest.raises(ToolError, match="tileloom verify --coverage --seed 1: some reason"):
        collect(folder, Runner(coverage=2))
    first = [path.stem for path in folder.iterdir()]
    assert 0 < len(first) < len(RUNS) and "coverage" not in first
    assert [row[1] for row in plan(folder).rows].count("kept") == len(first)
    second = Runner(soak=1)
    with pytest.raises(CheckError, match=f"soak: not all as it should be; {folder} has what came of it"):
        collect(folder, second)
    assert sorted(first + second.asked) == sorted(run.name for run in RUNS)
    assert json.loads((folder / "soak.json").read_text()) == {"of": "soak"}
    assert plan(folder).title == "Evidence: about 0.0 hours to come on two cores"
    third = Runner()
    collect(folder, third)
    assert not third.asked


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_each_run_can_be_typed(run: Run) -> None:
    given = verify_command.make_context("verify", list(run.options)).params
    if given["source"] is not None:
        load(given["source"], **dict(each.split("=") for each in given["overrides"]))


def test_refused(tmp_path: Path) -> None:
    for more in (["xfu-unit"], ["--json"]):
        result = CliRunner().invoke(main, ["verify", "--collect", str(tmp_path), *more])
        assert result.exit_code == 2 and "--collect: takes no CONFIG, and keeps JSON" in result.stderr
