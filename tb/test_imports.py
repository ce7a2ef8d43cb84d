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


@pytest.mark.parametrize(("folder", "above"), [("sim", ("synth", "explore")), ("synth", ("explore",))])
def test_no_package_imports_one_above_it(folder, above):
    above = {PACKAGES[name] for name in above}
    assert {path: names & above for path, names in roots(folder).items() if names & above} == {}


SHARED_BY_NAME = {"tileloom_golden.estimate", "tileloom.driver"}
"""What stands above the families and knows them: drivers, closed forms of cycles, each of a certain one."""


def test_families_do_not_import_each_other():
    """Except those built of another: the engine of a systolic array, the cluster of cores with xDecimate.

    What they share imports none of them.
    """
    families = {"systolic", "xfu", "engine", "cluster"}
    wrong = set()
    for folder in ("hdl", "golden", "sim", "synth"):
        for path in files(folder):
            package, room, *_ = path.relative_to(ROOT / folder).with_suffix("").parts
            if f"{package}.{room}" in SHARED_BY_NAME:
                continue
            allowed = {"engine": {"engine", "systolic"}, "cluster": {"cluster", "xfu"}}.get(room, {room})
            for name in imported(path, ROOT / folder):
                parts = name.split(".")
                if parts[0] in PACKAGES.values() and set(parts[1:2]) & families - allowed:
                    wrong.add((str(path.relative_to(ROOT)), name))
    assert wrong == set()


@pytest.mark.parametrize(
    "module",
    [
        *(f"tileloom.{family}.config" for family in ("systolic", "engine", "xfu", "cluster")),
        "tileloom.formats",
    ],
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
