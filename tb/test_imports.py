"""Who may import whom: the golden model and the generators must not be able to share a mistake."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "hdl": "tileloom",
    "golden": "tileloom_golden",
    "sim": "tileloom_sim",
    "synth": "tileloom_synth",
    "explore": "tileloom_explore",
}


def imported(path: Path, package_root: Path) -> set[str]:
    """Return the full names that a file imports, relative ones resolved, wherever in the file they stand."""
    names = set()
    package = path.relative_to(package_root).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def files(folder: str) -> list[Path]:
    """Return the Python files of one package."""
    return sorted((ROOT / folder / PACKAGES[folder]).rglob("*.py"))


def roots(folder: str) -> dict[str, set[str]]:
    """Return the top-level packages that each file of a package imports."""
    return {
        str(path.relative_to(ROOT)): {name.split(".")[0] for name in imported(path, ROOT / folder)}
        for path in files(folder)
    }


@pytest.mark.parametrize("folder", PACKAGES)
def test_there_is_something_to_check(folder):
    assert files(folder)


def test_hdl_imports_no_package_of_ours():
    ours = set(PACKAGES.values()) - {"tileloom"}
    assert {path: names & ours for path, names in roots("hdl").items() if names & ours} == {}


def test_golden_imports_only_numpy_and_bitstring():
    allowed = {"numpy", "bitstring", "tileloom_golden"} | set(sys.stdlib_module_names)
    assert {path: names - allowed for path, names in roots("golden").items() if names - allowed} == {}


@pytest.mark.parametrize(
    "module",
    ["tileloom.systolic.config", "tileloom.engine.config", "tileloom.xfu.config", "tileloom.formats"],
)
def test_configurations_need_no_amaranth(module):
    # A package's __init__ runs before any module in it, so that is followed too.
    waiting, seen = [module, "tileloom"], set()
    while waiting:
        name = waiting.pop()
        place = ROOT / "hdl" / name.replace(".", "/")
        path = next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()), None)
        if path is None or path in seen:
            continue
        seen.add(path)
        names = imported(path, ROOT / "hdl")
        assert not {other for other in names if other.split(".")[0] == "amaranth"}, path
        waiting += names
    assert len(seen) >= 2
