"""The unit on PCPI with its own load port, against the golden hart, and on PicoRV32."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.xfu.config import GROUP_SIZES, Host, XfuConfig
from tileloom.xfu.decode import Decode
from tileloom.xfu.design import generate
from tileloom.xfu.instruction import encode_counter, encode_decimate, encode_held, encode_offsets
from tileloom_golden.xfu import xdecimate as golden
from tileloom_sim.riscv.compile import compile_program
from tileloom_sim.riscv.run import run_program
from tileloom_sim.riscv.system import Attachment, System

from .pcpi_bench import check_pcpi
from .test_unit import evaluate


@pytest.mark.parametrize("sizes", [GROUP_SIZES, (8,)], ids=lambda sizes: "_".join(map(str, sizes)))
@pytest.mark.parametrize("idle", [0, 0.5], ids=["flowing", "stalled"])
def test_unit_on_pcpi_matches_the_golden_hart(
    sizes: tuple[int, ...], idle: float, rng: np.random.Generator
) -> None:
    """Random words; waits, failed loads with garbage, stray answers, older stores, resets in mid-load."""
    check_pcpi(rng, sizes=sizes, idle=idle, axi=sizes == (8,))


@pytest.mark.parametrize("sizes", [GROUP_SIZES, (8,)], ids=lambda sizes: "_".join(map(str, sizes)))
def test_decode_takes_exactly_the_instructions_of_two_operands(
    sizes: tuple[int, ...], rng: np.random.Generator
) -> None:
    words = []
    for _ in range(200):
        rd, rs1 = map(int, rng.integers(0, 32, 2))
        words += [encode_held(size, rd, rs1) for size in GROUP_SIZES]
        words += [encode_counter(rd, rs1), encode_offsets(rd, rs1), encode_decimate(4, rd, rs1, rd)]
    words += [word ^ 1 << int(rng.integers(32)) for word in words]
    words += [int(word) & ~0x707F | 0x602B for word in rng.integers(0, 1 << 32, 500)]
    decode = Decode(XfuConfig(host=Host.PCPI, group_sizes=sizes))
    inputs = [{"word": word} for word in words]
    kinds = {
        golden.DecimateHeld: "decimate",
        golden.SwapCounter: "swap",
        golden.SwapOffsets: "swap_offsets",
    }
    expected = []
    for word in words:
        fields = {"funct7": word >> 25, "rd": word >> 7 & 31, "rs1": word >> 15 & 31, "rs2": word >> 20 & 31}
        ours = word & 0x707F == 0x602B
        expected.append(type(golden.decode_held(**fields, built=sizes)) if ours else None)
    for kind, output in kinds.items():
        assert evaluate(decode, inputs, output) == [int(each is kind) for each in expected]


def test_no_word_means_another_thing_with_three_operands(rng: np.random.Generator) -> None:
    """But for rd = x0, whose result is lost, and for the counter's."""
    for funct7 in range(128):
        for _ in range(20):
            rd, rs1 = map(int, rng.integers(0, 32, 2))
            for rs2 in (0, rd):
                two = golden.decode_held(funct7=funct7, rd=rd, rs1=rs1, rs2=rs2)
                three = golden.decode(funct2=funct7 & 3, rs3=funct7 >> 2, rd=rd, rs1=rs1, rs2=rs2)
                if two is not None and three is not None:
                    assert rd == 0 or two == three


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "xfu-picorv32", "--mutate"),
        ("verify", "xfu-picorv32", "--coverage"),
        ("verify", "xfu-picorv32", "--programs", "1"),
        ("power", "xfu-picorv32", "--clock", "2ns"),
        ("package", "xfu-picorv32"),
        ("roofline", "xfu-picorv32"),
        ("generate", "xfu-picorv32", "--set", "id_width=4"),
        ("generate", "xfu-picorv32", "--set", "precise_errors=false"),
    ],
    ids=" ".join,
)
def test_what_is_not_for_pcpi_is_refused(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = ("-o", str(tmp_path / "made")) if words[0] in ("package", "generate") else ()
    result = CliRunner().invoke(main, [*words, *folder])
    assert result.exit_code == 2, result.output
    assert "is for" in result.output or "no model of PicoRV32" in result.output
    assert not list(tmp_path.iterdir())


FAULTY = """
module faulty(
    input clk, rst, pcpi_valid, stores_pending, load_gnt, load_rvalid, load_err,
    input [31:0] pcpi_insn, pcpi_rs1, pcpi_rs2, load_rdata,
    output pcpi_wr, pcpi_wait, pcpi_ready, load_req, load_rready, load_error,
    output [31:0] pcpi_rd, load_addr, output [3:0] load_be
);
  // The fifth load fails, once.
  reg [3:0] loads;
  always @(posedge clk) loads <= rst ? 0 : loads + (load_rvalid & load_rready & loads != 15);
  xfu_picorv32 unit (
      .clk(clk), .rst(rst), .pcpi_valid(pcpi_valid), .pcpi_insn(pcpi_insn), .pcpi_rs1(pcpi_rs1),
      .pcpi_rs2(pcpi_rs2), .pcpi_wr(pcpi_wr), .pcpi_rd(pcpi_rd), .pcpi_wait(pcpi_wait),
      .pcpi_ready(pcpi_ready), .stores_pending(stores_pending), .load_req(load_req), .load_gnt(load_gnt),
      .load_addr(load_addr), .load_be(load_be), .load_rvalid(load_rvalid), .load_rready(load_rready),
      .load_rdata(load_rdata ^ {32{loads == 4}}), .load_err(loads == 4), .load_error(load_error));
endmodule
"""


@pytest.mark.long
def test_picorv32_sees_a_failed_load_before_the_next_instruction() -> None:
    """Its handler returns to the instruction that failed, which then loads what it should."""
    unit = generate(XfuConfig(host=Host.PCPI))
    system = System(core="picorv32", coprocessor=Attachment(verilog=unit.verilog + FAULTY, top="faulty"))
    name = "failed_load_picorv32.S"
    text = Path(__file__).with_name("programs").joinpath(name).read_text()
    sources = {"crt0.S": text, "none.c": "int none;"}
    program = compile_program("picorv32", sources, main=["none.c"])
    run = run_program(system, program, results=(program.symbols["results"], 4))
    hart = golden.Hart(golden.Memory(np.arange(64)).load)
    hart.offsets = 0x3210_3210
    hart.run([golden.DecimateHeld(8, 1, 0), golden.DecimateHeld(8, 2, 0)] * 4)
    first, second, counter, faults = (int(word) for word in run.results)
    assert [first, second, counter] == [hart.registers[1], hart.registers[2], hart.counter]
    assert faults == 1 and run.exit_code == 0
