"""Every command line in the documentation is one that the command accepts, and the cheap ones are run."""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.cli.options import configured
from tileloom.families import presets

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "synth/results").glob("*.md")),
]

VERBS = ("generate", "package", "simulate", "synth", "power")
OLD = re.compile(r"tileloom (?:xfu|engine) |--form\b|--groups\b|--fast-errors\b|synth --table|xfu run")
"""Spellings of before the one grammar."""


@dataclass(frozen=True)
class Line:
    """A command line of a page; ``words`` are those behind ``tileloom``."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def lines(page: Path) -> Iterator[Line]:
    """Yield the command lines in a page's blocks of code, fenced or indented."""
    text = page.read_text(encoding="utf-8")
    fence = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?:^    .*\n)+", fence.sub("", text), re.MULTILINE)
    for block in [*fence.findall(text), *map(textwrap.dedent, indented)]:
        for command_line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(command_line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            if not re.search(r"(^|&& *|; *)(\w+=\S+ +)*tileloom ", command_line):
                continue
            command: list[str] = []
            for word in [*lexer, ";"]:
                if set(word) <= set("();<>|&"):
                    yield from _line(page.name, command)
                    command = []
                else:
                    command.append(word)


def spans(page: Path) -> Iterator[Line]:
    """Yield the command lines in running text that can be typed: with a preset, and no word to fill in."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`tileloom (\w+ [^`]+)`", text):
        words = tuple(span.split())
        if words[0] in VERBS and words[1] in presets() and not any(map(str.isupper, {*words} - {"FILE"})):
            yield Line(page.name, words)


def _line(page: str, command: list[str]) -> Iterator[Line]:
    while command and re.fullmatch(r"\w+=.*", command[0]):
        command = command[1:]
    if command[:1] == ["tileloom"] and command[1:] and command[1] != "VERB":
        yield Line(page, tuple(command[1:]))


BLOCKS = [line for page in PAGES for line in lines(page)]
LINES = [*BLOCKS, *(line for page in PAGES for line in spans(page))]
CHEAP = [
    line
    for line in BLOCKS
    if line.words[0] in ("presets", "doctor")
    or line.words[:2] in (("cache", "show"), ("paper", "sparseloop"), ("paper", "roofline"))
    or (line.words[0] in ("estimate", "roofline") and not {"--measure", "--network"} & set(line.words))
    or (line.words[0] == "generate" and "xfu-cv32e40p" not in line.words)
]
"""What is run. A core with a unit in it is left out: the core is a package of its own."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder where every input that a line names is there."""
    monkeypatch.chdir(tmp_path)
    fields = ["family", "rows", "columns", "weight", "double_buffer"]
    values = ['"systolic"', "4", "4", '"int8"', "true"]
    array = "".join(f"{field} = {value}\n" for field, value in zip(fields, values, strict=True))
    (tmp_path / "my_array.toml").write_text(array, encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "my_engine.toml").write_text('family = "engine"\n', encoding="utf-8")
    return tmp_path


def put_inputs(words: tuple[str, ...]) -> None:
    """Make an empty file of every matrix, model and library that is named."""
    for before, word in zip(("", *words), words, strict=False):
        if word.endswith((".npy", ".npz", ".onnx", ".safetensors")) or before == "--liberty":
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()


def parse(words: tuple[str, ...]) -> click.Context:
    """Return the context of the command that the words call, without running it."""
    context = main.make_context("tileloom", list(words))
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context


def test_there_are_lines_of_every_verb_and_page() -> None:
    assert {line.words[0] for line in LINES} >= {*VERBS, "presets", "paper", "doctor", "cache", "estimate"}
    pages = {line.page for line in LINES}
    assert pages >= {"README.md", "commands.md", "engine.md", "systolic.md", "xdecimate.md", "model.md"}


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_line_is_accepted(line: Line, folder: Path) -> None:
    put_inputs(line.words)
    values = parse(line.words).params
    if line.words[0] in VERBS:
        configured(values["source"], values["overrides"])


@pytest.mark.parametrize("line", CHEAP, ids=str)
def test_a_cheap_line_runs(line: Line, folder: Path) -> None:
    result = CliRunner().invoke(main, list(line.words))
    assert result.exit_code == 0, result.output
    if line.words[0] == "generate":
        options = parse(line.words).params
        assert list(Path(options["folder"]).glob("*.v"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_an_old_spelling(page: Path) -> None:
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        assert not OLD.search(line), f"{page.name}:{number}: {line}"


@pytest.mark.parametrize(
    "words", ["xfu run", "generate stream-8x8-int8 --form cv32e40p", "synth --table sasp", "engine networks"]
)
def test_an_old_spelling_is_not_accepted(words: str) -> None:
    with pytest.raises(click.UsageError):
        parse(tuple(words.split()))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_is_told_how_to_complete(shell: str) -> None:
    assert f"_TILELOOM_COMPLETE={shell}_source tileloom" in (ROOT / "docs/commands.md").read_text("utf-8")
    result = CliRunner().invoke(main, env={"_TILELOOM_COMPLETE": f"{shell}_source"}, prog_name="tileloom")
    assert f"{shell}_complete" in result.output


def test_presets_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    words = {"_TILELOOM_COMPLETE": "bash_complete", "COMP_WORDS": "tileloom simulate xfu-", "COMP_CWORD": "2"}
    result = CliRunner().invoke(main, env=words, prog_name="tileloom")
    found = [line.removeprefix("plain,") for line in result.output.split()]
    assert found == ["xfu-cv-x-if", "xfu-cv32e40p", "xfu-picorv32", "xfu-unit"]
