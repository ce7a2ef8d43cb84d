"""Liberty as it is written in many places: each dialect maps a design, or is refused in the line expected.

The files in ``dialects`` are written for this, in the manner of public libraries: a few cells each, with the
syntax and the oddities of the original.
"""

from pathlib import Path

import pytest

from tileloom_synth import timing
from tileloom_synth.constraints import constrain
from tileloom_synth.library import liberty
from tileloom_synth.library.delivery import DEFAULTS
from tileloom_synth.library.standard_cells import LibraryError, load
from tileloom_synth.synthesis import synthesise

DIALECTS = Path(__file__).parent / "dialects"

DESIGN = """
module top (input clk, input en, input [3:0] a, b, output reg [4:0] y, output reg [3:0] z);
  always @(posedge clk) begin
    y <= a + b;
    if (en) z <= a & b | (a ^ y[3:0]);
  end
endmodule
"""
FLOPS = 9

TIMED = {
    "asap7": "DFFHQNx1_ASAP7_75t_R",  # three files, inverted outputs
    "exported": "dff",  # quoted numbers, escapes, attributes of its own
    "foundry": "DFQD1",  # include_file, CRLF, strings over several lines
    "freepdk15": "DFFRNQ_X1",  # current sources, a reset to be tied
    "gf180mcu": "gf180mcu_fd_sc_mcu7t5v0__dffnq_1",  # falling edges alone
    "ihp_sg13g2": "sg13g2_dfrbp_1",  # // comments, latches, three-state cells
    "multibit": "DFF",  # bundles, buses and banks beside plain cells
    "nangate45": "DFF_X1",  # boxes of comments, a clock gate with a state table
    "osu035": "DFFPOSX1",  # Latin-1, no semicolons, pads without area
    "sky130_hd": "sky130_fd_sc_hd__dfxtp_1",  # power pins, test cells, fillers without area
}
UNTIMED = {
    "gtech": ("GTECH_FD1", "gtech.lib:2: cell GTECH_NOT"),  # functions and areas alone
    "lsi_10k": ("FD1", "lsi_10k.lib:11: cell IV"),  # linear delays
}


def read(name):
    files = (
        [f"asap7_{part}.lib" for part in ("invbuf", "simple", "seq")] if name == "asap7" else [f"{name}.lib"]
    )
    return load([DIALECTS / file for file in files])


@pytest.mark.parametrize("name", TIMED)
def test_a_dialect_maps_and_has_timing(name):
    cells = read(name)
    assert cells.untimed is None
    result = synthesise(DESIGN, "top", cells, constraints=constrain(cells, 100_000))
    assert result.cells[TIMED[name]] == result.flops == FLOPS
    assert set(result.cells) <= set(cells.cells) and result.area > 0
    assert result.timing is not None and result.timing.met
    assert result.timing.source.startswith("OpenSTA" if timing.opensta() else "ABC's estimate")


@pytest.mark.parametrize("name", UNTIMED)
def test_a_library_without_delays_maps_for_area_alone(name):
    cells = read(name)
    flop, cell = UNTIMED[name]
    result = synthesise(DESIGN, "top", cells)
    assert result.cells[flop] == result.flops == FLOPS
    nand = cells.nand2.name
    assert result.cells[nand] > 9 and result.timing is None
    with pytest.raises(
        LibraryError, match=f"{cell} has no tables of delay: the library maps for area alone, without --clock"
    ):
        constrain(cells, 1000)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("latches", "latches.lib: no flip-flop"),
        ("multibit_only", "no flip-flop to map to: DFF4_BUNDLE holds several bits"),
        (
            "scan_only",
            r"no flip-flop to map to: SDFF has next_state \"\(SE SI\) \+ \(SE' D\)\", .* not one pin",
        ),
    ],
)
def test_a_library_that_cannot_serve_is_refused(name, message):
    with pytest.raises(LibraryError, match=message) as told:
        read(name)
    assert "\n" not in str(told.value)


def test_there_are_at_least_ten_dialects():
    tried = {*TIMED, *UNTIMED, "latches", "multibit_only", "scan_only"}
    there = {path.stem.partition("_")[0] for path in DIALECTS.glob("*.lib")}
    assert {name.partition("_")[0] for name in tried} == there and len(TIMED) >= 10


@pytest.mark.parametrize("name", [*TIMED, *UNTIMED])
def test_tools_are_given_only_what_they_all_take(name):
    cells = read(name)
    for path in (cells.timing, cells.functions):
        text = path.read_text(encoding="ascii")
        assert not any(mark in text for mark in ("//", "/*", "\\", "include_file", "leakage_power ("))
        written = liberty.parse(path)
        assert sorted(cell.name for cell in written.all("cell")) == sorted(cells.cells)
        assert set(DEFAULTS) <= set(written.attributes)
        for cell in written.all("cell"):
            for pin in cell.all("pin"):
                assert len(pin.arguments) == 1
                assert "timing" not in {g.kind for g in pin.groups} or path == cells.timing
    # What is written is what was read.
    assert load([cells.timing]).cells == cells.cells


CELLS = {
    "area : 8.7808 ;": {
        "": "area missing",
        "area : 0;": "area 0;",
        "area : -1;": "area -1;",
        "area : nan;": "area nan;",
        'area : "much";': "area much;",
    },
    'direction : "input"': {"": "pin I: direction missing", "direction : in": "pin I: direction in;"},
}


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, others in CELLS.items() for new in others])
def test_cells_that_are_mapped_to_must_be_whole(tmp_path, old, new):
    path = tmp_path / "some.lib"
    text = (DIALECTS / "gf180mcu.lib").read_text()
    start = text.index("__inv_1")
    path.write_text(text[:start] + text[start:].replace(old, new, 1))
    line = text[:start].count("\n") + 1
    with pytest.raises(
        LibraryError, match=rf"some.lib:{line}: cell gf180mcu\w*__inv_1[:,] {CELLS[old][new]}"
    ):
        load([path])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("NAND2", "multibit.lib: no two-input NAND"),
        ("INV", "multibit.lib: no inverter"),
        ("BUF", "multibit.lib: no buffer"),
        ("DFF", "multibit.lib: no flip-flop to map to: DFF4_BUNDLE holds several bits"),
    ],
)
def test_each_lack_is_told(tmp_path, cell, message):
    path = tmp_path / "multibit.lib"
    text = (DIALECTS / "multibit.lib").read_text()
    path.write_text(text.replace(f"  cell ({cell}) {{", f"  cell ({cell}) {{\n dont_use : true;"))
    with pytest.raises(LibraryError, match=message):
        load([path])


def test_a_scan_flip_flop_with_a_plain_next_state_is_none(tmp_path):
    """Some libraries tell scan by pins and test_cell alone; Yosys would leave the scan pins open."""
    path = tmp_path / "multibit.lib"
    text = (DIALECTS / "multibit.lib").read_text()
    scan = text.replace("cell (DFF) {", "cell (DFF) {\n pin (SI, SE) { direction : input; }")
    first = scan.index("cell (DFF4_BUNDLE)")
    path.write_text(scan[:first] + scan[scan.index("  cell (DFF) {") :])
    with pytest.raises(LibraryError, match=r"no flip-flop to map to: DFF has more inputs \(SI, SE\)"):
        load([path])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("slew_lower_threshold_pct_fall : 10", "slew_lower_threshold_pct_fall : 20", "slew_lower_.*20 where"),
        ("slew_upper_threshold_pct_rise : 90;", "", "slew_upper_threshold_pct_rise 80 where"),
        ('time_unit : "1ps"', 'time_unit : "1ns"', "its units are not those of"),
        ('index_1 ("5, 320")', 'index_1 ("5, 640")', "lu_table_template delay_template_2x2 is not that of"),
        ('time_unit : "1ps"', 'time_unit : "1furlong"', "time_unit 1furlong or"),
        ("cell (DFFHQN", "cell (INVx1_ASAP7_75t_R) { dont_use : true; } cell (DFFHQN", None),
    ],
)
def test_files_that_are_no_one_library_are_refused(tmp_path, old, new, message):
    text = (DIALECTS / "asap7_seq.lib").read_text()
    assert old in text
    path = tmp_path / "asap7_seq.lib"
    path.write_text(text.replace(old, new))
    files = [DIALECTS / "asap7_invbuf.lib", DIALECTS / "asap7_simple.lib", path]
    if message is None:  # what is not to be used is not in the way
        assert load(files).cells == read("asap7").cells
        return
    with pytest.raises(LibraryError, match=rf"asap7_seq.lib:\d+: {message}"):
        load(files)
