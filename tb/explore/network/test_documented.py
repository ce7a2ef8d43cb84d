"""The commands of docs/network.md and of the README's section on networks run, on what the example makes."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from safetensors.numpy import save_file

from test_documented_commands import ROOT, lines
from tileloom.cli.main import main

PAGES = (ROOT / "README.md", ROOT / "docs/network.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the example's files, and two with single layers."""
    folder = tmp_path_factory.mktemp("network")
    example = [sys.executable, "-W", "error", str(ROOT / "examples/network.py"), str(folder / "build")]
    said = subprocess.run(example, capture_output=True, text=True, check=False, timeout=300)
    assert said.returncode == 0, said.stderr
    right = re.search(r"digits\.onnx: ([\d.]+)% of 450 images right", said.stdout)
    assert right and 97.5 <= float(right[1]) <= 99.5
    rng = np.random.default_rng(0)
    np.savez(folder / "layer.npz", weight=rng.normal(size=(8, 4, 3, 3)).astype(np.float32))
    save_file({"fc1.weight": rng.normal(size=(16, 512)).astype(np.float32)}, folder / "model.safetensors")
    return folder


def requirements(extra: str) -> set[str]:
    """Return the distributions that an extra of tileloom brings, with those of the extras that it names."""
    found: set[str] = set()
    for line in importlib.metadata.requires("tileloom") or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            found.add(canonicalize_name(requirement.name))
            if requirement.name == "tileloom":
                found |= set().union(*map(requirements, requirement.extras))
    return found


def test_what_the_pages_install_is_what_the_example_imports() -> None:
    tree = ast.parse((ROOT / "examples/network.py").read_text(encoding="utf-8"))
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules = {name.partition(".")[0] for name in froms + plain} - sys.stdlib_module_names
    assert {"numpy", "onnx", "sklearn"} <= modules
    owners = importlib.metadata.packages_distributions()
    needed = {canonicalize_name(owners[module][0]) for module in modules}
    for page in PAGES:
        before = page.read_text(encoding="utf-8").partition("python examples/network.py")[0]
        extra = re.findall(r"pip install '\.\[(\w+)\]'", before)[-1]
        assert needed <= requirements(extra), f"{page.name}: .[{extra}]"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    mine = [line for line in lines(page) if line.words[0] == "network"]
    assert len(mine) >= 3
    (folder / "build" / "digits.tileloom.npz").unlink(missing_ok=True)
    for line in mine:
        result = CliRunner().invoke(main, [*line.words, "--json"])
        assert result.exit_code == 0, (str(line), result.output)
        if "--labels" in line.words and page.name == "network.md":
            found = json.loads(result.stdout)
            assert found["accuracy"]["top-1"]["hardware"] == pytest.approx(0.973, abs=0.015)
            rows = [row.strip("| ").split(" | ") for row in page.read_text(encoding="utf-8").splitlines()]
            for layer in found["layers"]:
                (row,) = [row for row in rows if len(row) == 9 and row[0] == layer["name"]]
                assert row[1] == f"{layer['macs']:,}" and row[6:8] == [
                    str(layer["units"]),
                    str(layer["skipped"]),
                ]
                # Another machine trains a little differently, and other blocks are the weakest.
                for place, key in ((2, "cycles"), (5, "bytes")):
                    assert int(row[place].replace(",", "")) == pytest.approx(layer[key], rel=0.05)
                assert float(row[8]) == pytest.approx(layer["sqnr_db"], abs=2)
