"""``tileloom doctor``: what is there, what is missing, and the exit status."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom_synth import doctor
from tileloom_synth.library import pdk


def run(*arguments):
    return CliRunner().invoke(main, ["doctor", *arguments])


def found(result):
    return {finding["name"]: finding for finding in json.loads(result.stdout)}


def hide_program(monkeypatch, name):
    """Make ``name`` as if it were not on PATH."""
    real = doctor.shutil.which
    monkeypatch.setattr(doctor.shutil, "which", lambda program: None if program == name else real(program))


def test_all_that_the_tests_need_is_there():
    result = run("--json")
    assert result.exit_code == 0, result.output
    findings = found(result)
    required = {name for name, finding in findings.items() if finding["required"]}
    assert required == {
        *("Python", "amaranth", "pyosys", "numpy", "cocotb", "verilator", "libpython", "g++", "make")
    }
    assert all(findings[name]["found"] and findings[name]["version"] for name in required)
    assert findings["verilator"]["path"].endswith("verilator_bin")


def test_the_command_is_among_tilelooms_and_prints_a_table():
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "amaranth" in result.output and "verilator" in result.output


@pytest.mark.parametrize(
    ("program", "advice"), [("g++", "sudo apt install g++"), ("make", "apt install make")]
)
def test_a_missing_program_is_told_and_is_the_exit_status(monkeypatch, program, advice):
    hide_program(monkeypatch, program)
    result = run("--json")
    assert result.exit_code == 1
    assert advice in result.stderr and len(result.stderr.splitlines()) == 1
    assert found(result)[program]["path"] is None
    assert "MISSING" in run().stdout


def test_a_missing_package_is_told(monkeypatch):
    real = doctor.importlib.util.find_spec
    monkeypatch.setattr(
        doctor.importlib.util, "find_spec", lambda name: None if name == "pyosys" else real(name)
    )
    result = run()
    assert result.exit_code == 1
    assert "pip install pyosys" in result.stderr


def test_a_missing_option_is_no_failure(monkeypatch):
    hide_program(monkeypatch, "iverilog")
    result = run()
    assert result.exit_code == 0
    assert "would add" in result.stdout and "sudo apt install iverilog" in result.stderr


def test_a_program_that_does_not_start_is_missing(monkeypatch, tmp_path):
    broken = tmp_path / "make"
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = run("--json")
    assert result.exit_code == 1
    assert not found(result)["make"]["found"]


def test_kits_are_listed(monkeypatch, tmp_path):
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    assert not found(run("--json"))["PDK"]["found"]
    path = tmp_path / "gf180mcuD" / "libs.ref" / pdk.KITS["gf180mcuD"]
    path.parent.mkdir(parents=True)
    path.touch()
    findings = found(run("--json"))
    assert findings["gf180mcuD"]["path"] == str(path)
    assert "PDK" not in findings


def test_it_runs_where_the_packages_that_it_looks_for_are_missing():
    hidden = ["amaranth", "pyosys", "numpy", "cocotb", "verilator", "find_libpython", "tileloom_sim"]
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden}))\n"  # an import of None is refused
        "from tileloom.cli.main import main\n"
        "main(['doctor', '--json'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    missing = {finding["name"] for finding in json.loads(done.stdout) if finding["required"]}
    missing -= {finding["name"] for finding in json.loads(done.stdout) if finding["found"]}
    assert missing == {"amaranth", "pyosys", "numpy", "cocotb", "verilator", "libpython"}
    assert len(done.stderr.splitlines()) == len(missing)
