"""The same bytes from every run: Verilog, manifest, netlist, whatever hash seed, locale, folder and user.

Each is made twice, by the commands, in processes of their own whose surroundings have nothing in common.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TILELOOM = [sys.executable, "-m", "tileloom.cli.entry"]
SMALL_ARRAY = ["stream-8x8-int8", "--set", "rows=2", "--set", "columns=1", "--set", "multiply_stages=3"]
SMALL_ENGINE = ["engine-int8-axi4", *(f"--set={field}" for field in ("m=1", "k=2", "n=2", "bus=64"))]

MADE = {
    "array": ["generate", *SMALL_ARRAY],
    "engine": ["generate", *SMALL_ENGINE],
    "netlist": ["synth", *SMALL_ARRAY, "--clock", "6ns"],
}


def files(arguments: list[str], place: Path, **surroundings: str) -> dict[str, bytes]:
    """Return what a command writes, by the names of the files."""
    place.mkdir(parents=True)
    variables = {
        "HOME": str(place / "home"),
        "TMPDIR": str(place),
        "PATH": os.environ["PATH"],
        **surroundings,
    }
    (place / "home").mkdir()
    command = [*TILELOOM, *arguments, "-o", "out", "--quiet"]
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # The list of files has whole paths, so that it can be used from anywhere.
    written = {path.name: path.read_bytes() for path in sorted((place / "out").iterdir())}
    return {name: content.replace(os.fsencode(place), b"") for name, content in written.items()}


@pytest.mark.parametrize("arguments", MADE.values(), ids=MADE)
def test_surroundings_change_no_byte(arguments: list[str], tmp_path: Path) -> None:
    first = files(arguments, tmp_path / "a", PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC", USER="one")
    other = tmp_path / "other" / "ü"
    second = files(arguments, other, PYTHONHASHSEED="2", LC_ALL="C.UTF-8", TZ="Asia/Tokyo", USER="two")
    assert first.keys() == second.keys() and any(b"endmodule" in content for content in first.values())
    assert [name for name in first if first[name] != second[name]] == []
