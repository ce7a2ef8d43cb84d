"""Every flow works where TMPDIR, HOME, the cache and the outputs are in folders with blanks and quotes."""

import os
import shutil
from pathlib import Path

import pytest

from tileloom import scratch
from tileloom.errors import ToolError
from tileloom_sim.build import cocotb_run
from tileloom_sim.build.harness import HarnessError, compile_harness, run
from tileloom_sim.build.verilator import control_file
from tileloom_synth.constraints import constrain
from tileloom_synth.flow import Flow
from tileloom_synth.library.recipes import Options
from tileloom_synth.library.standard_cells import generic
from tileloom_synth.timing import analyse, opensta

COUNTER = """
module inner(input clk, output reg [7:0] y);
  initial y = 0;
  always @(posedge clk) y <= y + 1;
endmodule
module counter(input clk, output [7:0] y);
  inner i (.clk(clk), .y(y));
endmodule
"""

HARNESS = """
#define CLOCK clk
#define RESET clk
#define RESET_ACTIVE 0
#include "harness.h"
int main(int argc, char** argv) {
    Model model;
    Progress progress;
    if (argc > 2) model.open_waves(argv[2]);
    for (int i = 0; i < 5; ++i) { model.clock(0); model.clock(1); progress.say(i, 2 * i); }
    Output file(argv[1]);
    Words words(port_words(model.top.y));
    get_port(model.top.y, words.data());
    file.write(words.data(), words.size());
    file.close();
    std::printf("done %u\\n", read_file<uint32_t>(argv[1])[0]);
    model.finish();
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with blanks, and have all others below such."""
    for name in ("WORK", "TMPDIR", "HOME", "XDG_CACHE_HOME"):
        place = tmp_path / name / "a b'c é"
        place.mkdir(parents=True)
        monkeypatch.setenv(name, str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    scratch.lasting.cache_clear()
    monkeypatch.chdir(os.environ["WORK"])
    yield Path(os.environ["WORK"])
    monkeypatch.undo()
    scratch.lasting.cache_clear()


def test_a_path_that_needs_no_quotes(tmp_path):
    with scratch.folder() as place:
        assert not set(str(place)) & set(" 'é")
        (place / "file").touch()
        (real,) = Path(os.environ["TMPDIR"]).iterdir()
        assert (real / "file").exists()
    assert not place.exists() and not list(Path(os.environ["TMPDIR"]).iterdir())
    with scratch.plain(tmp_path) as same:
        assert same == tmp_path


def test_no_place_for_a_link(monkeypatch):
    monkeypatch.setattr(scratch, "_PLACES", ("/proc",))
    with pytest.raises(ToolError, match="has blanks or quotes"), scratch.folder():
        pass
    assert not list(Path(os.environ["TMPDIR"]).iterdir())


def test_a_temporary_folder_that_is_none(tmp_path):
    with (
        pytest.raises(ToolError, match="no: no temporary folder can be made"),
        scratch.folder(where=tmp_path / "no"),
    ):
        pass


def test_compiled_harness():
    program = compile_harness(
        "test",
        COUNTER,
        "counter",
        {"main.cpp": HARNESS},
        "main.cpp",
        control=control_file(["inner"], blocks=False),
        waves=True,
    )
    seen = []
    lines = run(program, [Path("y z'.bin"), Path("w v'.vcd")], lambda *numbers: seen.append(numbers))
    assert lines == [["done", "5"]]
    assert seen == [(i, 2 * i) for i in range(5)]
    assert "y" in Path("w v'.vcd").read_text()
    with pytest.raises(HarnessError, match="cannot write no/y"):
        run(program, ["no/y"])
    with pytest.raises(HarnessError, match="cannot write /dev/full"):
        run(program, ["/dev/full"])


@pytest.mark.parametrize(
    ("simulator", "waves"),
    [
        ("icarus", True),
        *(
            pytest.param(*both, marks=pytest.mark.long)
            for both in (("icarus", False), ("verilator", False), ("verilator", True))
        ),
    ],
)
def test_cocotb(simulator, waves, folder):
    if simulator == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed: sudo apt install iverilog")
    (folder / "run").mkdir()
    wave_file = folder / "w v'.wave"
    result = cocotb_run.run_cocotb(
        COUNTER,
        "counter",
        "sim.counter_bench",
        folder=folder / "run",
        simulator=simulator,
        waves=wave_file if waves else None,
        modules=["inner"],
        blocks=True,
    )
    assert result.passed, result.log
    assert wave_file.exists() == waves


def test_synthesis_and_timing():
    mapped = Flow(COUNTER.replace("initial y = 0;", ""), "counter", generic()).map(Options(clock_ps=500))
    assert mapped.modules["counter"]["cells"]
    if opensta() is None:
        pytest.skip("OpenSTA (sta) is not installed: sudo apt install opensta")
    assert analyse(mapped, generic(), constrain(generic(), 500), "clk").source == "OpenSTA"
