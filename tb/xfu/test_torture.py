"""Random programs on both cores with the unit: nothing else changed, what is told, and broken copies."""

import importlib.util
import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from support.long import few
from support.seed import SEED
from tileloom.cli.main import main
from tileloom.errors import CheckError
from tileloom.families import load
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom_sim.riscv.system import System
from tileloom_sim.riscv.torture import base, corev
from tileloom_sim.riscv.torture.compare import DifferenceError
from tileloom_sim.xfu.disassembly import mnemonic
from tileloom_sim.xfu.hosts import plain_system, xfu_system
from tileloom_sim.xfu.layers import layer_program
from tileloom_sim.xfu.torture import GROUPS, check_program, torture

HOSTS = ("xfu-cv32e40p", "xfu-cv-x-if")

RV32IMC = [
    *("add", "addi", "and", "andi", "auipc", "beq", "bge", "bgeu", "blt", "bltu", "bne", "ebreak", "ecall"),
    *("fence", "jal", "jalr", "lb", "lbu", "lh", "lhu", "lui", "lw", "or", "ori", "sb", "sh", "sll", "slli"),
    *("slt", "slti", "sltiu", "sltu", "sra", "srai", "srl", "srli", "sub", "sw", "xor", "xori"),
    *("div", "divu", "mul", "mulh", "mulhsu", "mulhu", "rem", "remu"),
    *("c.add", "c.addi", "c.addi16sp", "c.addi4spn", "c.and", "c.andi", "c.beqz", "c.bnez", "c.ebreak"),
    *("c.j", "c.jal", "c.jalr", "c.jr", "c.li", "c.lui", "c.lw", "c.lwsp", "c.mv", "c.nop", "c.or"),
    *("c.slli", "c.srai", "c.srli", "c.sub", "c.sw", "c.swsp", "c.xor"),
]
"""The base instructions, M, and C without floating point (RISC-V Unprivileged ISA, instruction listings)."""

BRANCHES = (*base.BRANCH, "c.beqz", "c.bnez")
WIDE = ("lw", "lh", "lhu", "sw", "sh", "c.lw", "c.sw", "c.lwsp", "c.swsp")
CASES = {
    *(f"{name} {way}" for name in BRANCHES for way in ("taken", "not taken")),
    *(f"{name} by zero" for name in ("div", "divu", "rem", "remu")),
    *(f"{name} overflow" for name in ("div", "rem")),
    *(f"{name} over a word's end" for name in WIDE),
}


def checked(host: str, programs: int) -> None:
    """Run programs, and see that they had everything in them."""
    run = torture(load(host), programs, SEED)
    run.require()
    executed, count = run.count.executed, run.count
    assert set(RV32IMC) <= run.required == set(executed)
    assert set(GROUPS["CORE-V"]) <= run.required or host != "xfu-cv32e40p"
    assert {"xdecimate.4", "xdecimate.8", "xdecimate.16", "xdecimate.counter"} <= run.required
    assert min(executed.values()) >= programs // 2
    assert set(count.cases) >= CASES, CASES - set(count.cases)
    assert count.runs == 5 * programs and count.plain == programs // 2
    assert count.instructions > 10_000 * programs and count.interrupts > 50 * programs


@pytest.mark.parametrize("host", HOSTS)
def test_every_instruction(host: str) -> None:
    checked(host, 4)


@pytest.mark.long
@pytest.mark.parametrize("host", HOSTS)
def test_many_programs(host: str) -> None:
    checked(host, 150)


def test_the_kernels_have_no_other_instruction() -> None:
    program = layer_program("cv32e40p")
    names = {
        mnemonic(word)
        for name, size in program.sizes.items()
        if size and program.symbols[name] < program.symbols["__bss_start"]
        for word in program.words(name)
    }
    core_v = {name for name in names if name.startswith("cv.")}
    units = {name for name in names if name.startswith("xdecimate.")}
    assert core_v <= set(GROUPS["CORE-V"]) and len(core_v) == 13
    assert names - core_v - units <= {*RV32IMC, *base.CSR}


# Worked by hand from the user manual: rd, rs1, rs2 before, and rd behind it.
EXAMPLES = {
    "cv.pack": (0x11223344, 0xAAAABBBB, 0xCCCCDDDD, 0xBBBBDDDD),
    "cv.packhi.b": (0x11223344, 0xAAAAAABB, 0xCCCCCCDD, 0xBBDD3344),
    "cv.packlo.b": (0x11223344, 0xAAAAAABB, 0xCCCCCCDD, 0x1122BBDD),
    "cv.shuffle2.b": (0x33221100, 0x77665544, 0x07020500, 0x77225500),
    "cv.sdotsp.b": (0x00000005, 0x80FF0102, 0x80017F03, 5 + 0x4000 - 1 + 127 + 6),
    "cv.min": (0, 0x80000000, 0x00000001, 0x80000000),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_core_v_by_hand(name: str) -> None:
    rd, a, b, wanted = EXAMPLES[name]
    assert set(EXAMPLES) == set(corev.REGISTER)
    assert corev.REGISTER[name](rd, a, b) == wanted


def test_insert_by_hand() -> None:
    assert corev.insert(0xFFFFFFFF, 0x12, 7, 8) == 0xFFFF12FF
    assert corev.insert(0, 0xFFFFFFFF, 31, 0) == 0xFFFFFFFF
    assert corev.insert(0, 3, 0, 31) == 0x80000000


def test_a_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(corev.REGISTER, "cv.min", lambda rd, rs1, rs2: rs2)
    with pytest.raises(CheckError, match=r"^program 1, single-cycle memory: .*0x.* not 0x") as told:
        torture(load(HOSTS[0]), 2, SEED)
    assert f"replayed by --programs 1 --seed {SEED}" in str(told.value)


def test_a_core_without_the_unit_fails() -> None:
    config = load(HOSTS[0])
    assert isinstance(config, XfuConfig)
    plain = plain_system("cv32e40p")
    check_program(plain, plain, config, SEED, 0)
    with pytest.raises(DifferenceError):
        check_program(plain, plain, config, SEED, 1)


def test_the_command_and_its_seed() -> None:
    arguments = ["verify", HOSTS[0], "--programs", "1", "--json"]
    drawn = CliRunner().invoke(main, arguments)
    assert drawn.exit_code == 0, drawn.output
    figures = json.loads(drawn.stdout)
    assert (figures["core"], figures["programs"], figures["runs"]) == ("cv32e40p", 1, 5)
    assert set(RV32IMC) <= set(figures["executed"]) and min(figures["executed"].values()) > 0
    assert f"Seed {figures['seed']}; --seed replays it." in drawn.stderr
    again = CliRunner().invoke(main, [*arguments, "--seed", str(figures["seed"])])
    assert again.stdout == drawn.stdout


def test_without_unicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "unicorn" else find(name, *rest)
    )
    result = CliRunner().invoke(main, ["verify", HOSTS[0], "--programs", "1"])
    assert result.exit_code == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.endswith("unicorn, a model of RV32IMC, is not installed: pip install 'tileloom[verify]'")


# What is told of each kind.
WORDS = "words differ|ended in a trap|where nothing is|no end of the program"
CYCLES, EXCEPTIONS = "cycles, not .* as without the unit", "the exceptions: "

LANE = "data_type_ex == 2'd3 ? xfu_lane_ex : data_sign_ext_ex"
WAITED = "reg_d_ex_is_reg_c_id & ~(xfu_decimate_dec & regfile_we_ex_o)"
ILLEGAL = "rega_used_o    = 1'b1;\n              end else begin\n                illegal_insn_o = 1'b1;"
KEPT = "if (ctrl_update && data_type_ex_i == 2'd3)"
# Of CV32E40P: the file, what stands there, what the mutant has, and what is told.
EDITS = {
    "byte loads lose their sign": ("core", LANE, LANE.replace("== 2'd3", "[1]"), WORDS),
    "no instruction waits for a load of rd": (
        *("id_stage", WAITED, "reg_d_ex_is_reg_c_id & ~regfile_we_ex_o"),
        WORDS,
    ),
    "everything behind a load waits": ("id_stage", WAITED, "regfile_we_ex_o", CYCLES),
    "other words of the opcode do nothing": (
        *("decoder", ILLEGAL, ILLEGAL.replace("illegal_insn_o = 1'b1;", "")),
        EXCEPTIONS,
    ),
    "CSRs are read with the counter in them": ("core", "{16{xfu_swap_ex}}", "{16{csr_access_ex}}", WORDS),
    "loads keep what they will not write": ("load_store_unit", KEPT, "if (ctrl_update)", WORDS),
}
# Of the coprocessor on CV-X-IF: what it accepts or is ready for besides, or not.
ACCEPT = "assign issue_accept = "
OFFERS = {
    "CSR instructions are accepted": (ACCEPT, f"{ACCEPT}issue_instr[6:0] == 7'h73 | "),
    "other words of the opcode are accepted": (
        ACCEPT,
        f"{ACCEPT}{{issue_instr[14], issue_instr[6:0]}} == 8'hab | ",
    ),
    "what is not its own may wait": ("assign issue_ready = ", "assign issue_ready = ~issue_id[0] & "),
}


def found(system: System, host: str, programs: int = 6) -> str:
    """Return what is told of a mutant."""
    config = load(host)
    assert isinstance(config, XfuConfig)
    with pytest.raises(DifferenceError) as told:
        for index in range(programs):
            check_program(system, plain_system(system.core), config, SEED, index)
    print(told.value)
    return str(told.value)


@pytest.mark.parametrize("name", few(EDITS))
def test_a_broken_edit_is_found(name: str) -> None:
    file, right, wrong, told = EDITS[name]

    def patch(sources: dict[str, str]) -> dict[str, str]:
        patched = patch_sources(sources)
        text = patched[f"cv32e40p_{file}.sv"]
        assert text.count(right) == 1
        return {**patched, f"cv32e40p_{file}.sv": text.replace(right, wrong)}

    assert re.search(told, found(System(core="cv32e40p", patch=patch), HOSTS[0]))


@pytest.mark.long
@pytest.mark.parametrize("name", OFFERS)
def test_a_wrong_answer_on_cv_x_if_is_found(name: str) -> None:
    right, wrong = OFFERS[name]
    config = load(HOSTS[1])
    assert isinstance(config, XfuConfig)
    system = xfu_system(config)
    assert system.coprocessor is not None and system.coprocessor.verilog.count(right) == 1
    verilog = system.coprocessor.verilog.replace(right, wrong)
    mutant = replace(system, coprocessor=replace(system.coprocessor, verilog=verilog))
    assert re.search(WORDS, found(mutant, HOSTS[1]))
