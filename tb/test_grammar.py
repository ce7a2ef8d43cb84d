"""The grammar: one set of verbs for all families, help that tells of all, exit statuses, how much is said."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

import tileloom
from tileloom.cli import console
from tileloom.cli.main import INTERRUPTED, main
from tileloom.config import to_plain
from tileloom.errors import CheckError, ConfigError, UserError
from tileloom.families import families, load, preset, presets

COMMANDS = (
    *("board", "cache", "compile", "doctor", "estimate", "generate"),
    *("network", "package", "paper"),
    *("power", "presets", "roofline", "simulate", "synth", "verify"),
)
VERBS = ("generate", "simulate", "synth")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def last_line(result: Result) -> str:
    return result.stderr.strip().splitlines()[-1]


def test_the_commands() -> None:
    assert tuple(main.list_commands(click.Context(main))) == COMMANDS


def test_help_tells_how_to_do_the_jobs_for_each_family() -> None:
    text = run("--help").stdout
    for verb in VERBS:
        assert f"tileloom {verb}" in text
    for family in families().values():
        assert any(name in text for name in family.presets)
    assert "Exit status: 0 done; 1 a check failed" in " ".join(text.split())


@pytest.mark.parametrize(
    "command",
    [
        *(*COMMANDS, "board icebreaker", "board run", "cache show", "cache clear"),
        *(
            "paper sasp",
            *(f"paper sasp fig{number}" for number in (6, 7, 8, 9, 10)),
            "paper sasp core",
            "paper sasp layers",
            "paper sasp table3",
            "paper engine",
            "paper roofline",
        ),
    ],
)
def test_every_command_has_examples(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0, result.output
    assert f"  tileloom {command.split()[0]}" in result.stdout


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        (verb, next(iter(family.presets)))
        for verb in ("simulate", "synth", "power")
        for family in families().values()
        if (verb, family.name) != ("power", "cluster")
    ],
)
def test_help_of_a_verb_for_a_family_has_its_options_alone(verb: str, name: str) -> None:
    everything, own = run(verb, "--help").stdout, run(verb, name, "--help").stdout
    for family in families().values():
        assert f" {family.title}:" in everything or verb in ("synth", "power")
    assert f"tileloom {verb} {name[:4]}" in own
    options = {word for word in own.split() if word.startswith("--")}
    assert {"--set", "--json", "--force", "--quiet", "--verbose", "--output"} <= {
        option.strip(",[]") for option in options
    }
    assert ("--pads" in options) == (verb == "simulate" and name.startswith("engine"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("simulatte",), "no such command: simulatte; did you mean simulate?"),
        (("xfu", "run"), "no such command: xfu; commands: board, "),
        (("engine", "simulate", "engine-int8"), "no such command: engine; "),
        (("generate", "stream-8x8-in8"), "did you mean stream-8x8-int8?"),
        (("generate", "engine-int8", "--set", "weigth_beats=2"), "did you mean weight_beats?"),
        (("generate", "engine-int8", "--set", "k"), "--set k: give field=value"),
        (("generate", "engine-int8", "--name", "4x4"), "--name: '4x4' is not a Verilog identifier"),
        (("generate", "engine-int8", "--name", "module"), "--name: 'module' is not a Verilog identifier"),
        (("generate", "engine-int8", "--name", "größe"), "is not a Verilog identifier"),
        (("generate", "engine-int8", "--name", "n" * 300), "--name: has 300 letters; 128 at most"),
        (("generate", "engine-int8", "-o", "/dev/null"), "/dev/null"),
        (("generate", "engine-int8", "-o", ""), "-o: the value is empty"),
        (("simulate", "sasp-4x4-int8", "--layers", "3"), "--layers is for a block-sparse tile engine"),
        (("simulate", "engine-int8", "--simulator", "icarus"), "--simulator is for a systolic array"),
        (("synth", "engine-int8", "--module", "row"), "--module is for a systolic array"),
        (("simulate", "sasp-4x4-int8", "--nothing"), "No such option"),
        (("simulate",), "Missing argument 'CONFIG'"),
        (("presets", "engine-int9"), "engine-int9: no such preset; did you mean engine-int8?"),
        (("generate", "sasp-4x4-int8", "--name", "a", "--name", "b"), "--name: given twice"),
        (("generate", "sasp-4x4-int8", "-o", "a", "-o", "b"), "-o: given twice"),
        (("synth", "sasp-4x4-int8", "--pdk", ""), "--pdk: the value is empty"),
        (("synth", "sasp-4x4-int8", "--module", ""), "--module: the value is empty"),
        (("synth", "sasp-4x4-int8", "--liberty", ""), "--liberty: the value is empty"),
        (("simulate", "engine-int8", "--streams", ""), "--streams: the value is empty"),
        (("generate", "sasp-4x4-int8", "--set", "group_sizes=[[4"), "group_sizes: no such field"),
        (("generate", "xfu-unit", "--set", "group_sizes=[[4"), "group_sizes: must be a whole number"),
        (("simulate", "engine-int8", "--force"), "--force: there is nothing to overwrite"),
        (("simulate", "sasp-4x4-int8", "--force"), "--force: there is nothing to overwrite"),
        (("power", "cluster-8", "--clock", "2ns"), "power: is not for a cluster"),
        (("synth", "xfu-unit", "--force"), "--force: there is nothing to overwrite"),
        (("generate", "xfu-unit", "-q", "-v"), "give --quiet or --verbose, not both"),
        (("simulate", "xfu-unit", "--seed", "nan"), "nan: give a whole number from 0 to"),
        (("generate", "a" * 300), "a ...: neither a preset nor a .toml file"),
        (("synth", "xfu-unit", "--pdk", "a\nb"), "--pdk a\\nb: not a kit"),
        (("cache", "clean"), "no such command: clean; did you mean clear?"),
    ],
)
def test_mistakes_end_in_one_line_and_status_2(arguments, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in last_line(result)
    assert result.stdout == "" and "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("TILELOOM_SEED", "abc", "TILELOOM_SEED: abc: give a whole number"),
        ("TMPDIR", "/nowhere", "TMPDIR: /nowhere is no folder that can be written to"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, message: str, monkeypatch) -> None:
    monkeypatch.setenv(variable, value)
    result = run("simulate", "xfu-cv32e40p")
    assert result.exit_code == 2, result.output
    assert message in last_line(result)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interruption_while_it_starts(number: signal.Signals) -> None:
    """In the middle of an import, which here waits to be interrupted."""
    program = (
        "import sys, time, types\n"
        "class Slow:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'tileloom.cli.main':\n"
        "            print('importing', flush=True); time.sleep(60)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from tileloom.cli.entry import main; main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "importing\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, "interrupted\n")


def test_a_lack_of_memory_is_one_line(monkeypatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError("Unable to allocate 1 TiB")

    monkeypatch.setattr("tileloom_sim.systolic.command.simulate", fail)
    result = run("simulate", "sasp-4x4-int8")
    assert result.exit_code == 1
    assert result.stderr == "Error: not enough memory: Unable to allocate 1 TiB\n"


def test_a_failed_check_is_status_1(monkeypatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise CheckError("Y[0, 0] differs")

    monkeypatch.setattr("tileloom_sim.systolic.command.simulate", fail)
    result = run("simulate", "sasp-4x4-int8")
    assert result.exit_code == 1
    assert result.stderr == "Error: Y[0, 0] differs\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interruption_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    program = "import sys; from tileloom.cli.main import main; sys.argv[0] = 'tileloom'; main()"
    arguments = ["synth", "sasp-32x32-fp32", "--flat"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        while not list(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + number and INTERRUPTED == 128 + signal.SIGINT
    assert said.splitlines()[-1] == "interrupted" and "Traceback" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
@pytest.mark.parametrize("arguments", [["presets"], ["presets", "--json"], ["doctor"]])
def test_a_full_output_is_told(arguments: list[str]) -> None:
    program = "import sys; from tileloom.cli.main import main; sys.argv[0] = 'tileloom'; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1 and done.stderr.count("\n") <= 6
    assert "standard output: No space left on device" in done.stderr and "Traceback" not in done.stderr


def test_quiet_says_results_alone_and_verbose_what_tools_say(tmp_path) -> None:
    small = ("synth", "stream-8x8-int8", "--set", "rows=1", "--set", "columns=1")
    quiet, normal, verbose = run(*small, "--quiet"), run(*small), run(*small, "--verbose")
    assert quiet.exit_code == normal.exit_code == verbose.exit_code == 0
    assert quiet.stderr == ""
    assert "multipliers: " in normal.stderr and "Executing" not in normal.stderr
    assert "Executing" in verbose.stderr
    assert quiet.stdout == normal.stdout == verbose.stdout


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch, capsys) -> None:
    monkeypatch.setattr(console, "HEARTBEAT", 0.05)
    monkeypatch.setattr(console, "_verbosity", console.Verbosity.NORMAL)
    with console.step("Working") as shown:
        shown.show("12 of them", completed=1, total=4)
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("Working: 25%, 12 of them (") for line in lines)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_table_never_breaks_a_word(terminal: bool, monkeypatch, capsys) -> None:
    monkeypatch.setattr(console, "output", Console(width=40, force_terminal=terminal))
    headings = [f"heading{number} wide" for number in range(12)]
    cells = [f"{number + 1},234,567" for number in range(12)]
    console.print_table("Figures", headings, [cells, cells])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.split() == cells for line in lines) == 2
    assert sum(line.count("wide") == 12 for line in lines) == 1
    assert any("heading0 wide" in line for line in lines) != terminal


@pytest.mark.parametrize("arguments", [[], ["network"], ["paper"], ["cache"]], ids=" ".join)
def test_a_command_that_lacks_its_verb_shows_its_help(arguments: list[str]) -> None:
    bare, asked = run(*arguments), run(*arguments, "--help")
    assert bare.exit_code == 2 and not bare.stdout
    assert bare.stderr == asked.stdout and asked.stdout.startswith("Usage: ")


def test_every_preset_is_listed_with_its_family() -> None:
    text = run("presets").stdout
    assert all(name in text for name in presets())
    listed = json.loads(run("presets", "--json").stdout)
    assert {entry["name"]: entry["family"] for entry in listed} == {
        name: family.name for name, family in presets().items()
    }
    assert {entry["name"]: entry["config"] for entry in listed} == {
        name: to_plain(preset(name)) for name in presets()
    }


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_printed_as_a_file_to_start_from(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(run("presets", name).stdout)
    assert load(path) == preset(name)


def test_shells_complete_presets_and_commands() -> None:
    def complete(words: str) -> str:
        environment = {"_TILELOOM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "2"}
        result = CliRunner().invoke(main, env=environment, prog_name="tileloom")
        return result.output

    assert "plain,engine-int8-axi4" in complete("tileloom generate engine-int8")


def test_the_api_does_what_the_commands_do(tmp_path: Path) -> None:
    design = tileloom.generate("sasp-4x4-int8")
    assert run("generate", "sasp-4x4-int8", "-o", str(tmp_path)).exit_code == 0
    assert {path: path.read_text() for path in tmp_path.iterdir()} == design.files(tmp_path)
    config = tileloom.load("stream-8x8-int8", rows=1, columns=1)
    printed = run("synth", "stream-8x8-int8", "--set", "rows=1", "--set", "columns=1", "--json").stdout
    assert tileloom.synthesise(config).figures == json.loads(printed)
    with pytest.raises(ConfigError, match="rows: must be from 1 to 64"):
        tileloom.load("stream-8x8-int8", rows=65)
    for wrong in (None, 5, {}, b"x"):
        with pytest.raises(UserError, match="config: must be a preset's name, a TOML file or"):
            tileloom.generate(wrong)
    with pytest.raises(UserError, match="--name: must be text, not 5"):
        tileloom.generate("sasp-4x4-int8", 5)
    with pytest.raises(AttributeError, match="no attribute 'synthesize'"):
        _ = tileloom.synthesize


def test_every_entry_point_is_there() -> None:
    for group in ("tileloom.commands", "tileloom.jobs"):
        found = list(importlib.metadata.entry_points(group=group))
        assert found and all(callable(entry.load()) for entry in found)
