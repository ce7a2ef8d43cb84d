"""The RISC-V system on every unmodified core: programs, wait states, bus errors, interrupts, a device."""

from pathlib import Path

import numpy as np
import pytest

from support.long import but
from tileloom.cores import CORES
from tileloom_sim.riscv.compile import Program, compile_program
from tileloom_sim.riscv.run import BusError, Conditions, ProgramError, TrapError, Waits, run_program
from tileloom_sim.riscv.system import DEVICE_BASE, Attachment, System

PROGRAMS = Path(__file__).with_name("programs")

pytestmark = pytest.mark.parametrize("core", but({core: core for core in CORES}, "cv32e40p_fpu", "picorv32"))

CONDITIONS = {
    "single-cycle": Conditions(),
    "fixed": Conditions(instruction_waits=Waits(grant=2, response=1), data_waits=Waits(grant=1, response=3)),
    "random": Conditions(
        instruction_waits=Waits(grant=3, response=2), data_waits=Waits(grant=4, response=4), random_seed=11
    ),
}

# Remembers one word; answers after two cycles, and with an error above its first word.
DEVICE = """
module register_device(input clk, rst, req, we, input [31:0] addr, wdata, input [3:0] be,
                       output gnt, output reg rvalid, err, irq, output reg [31:0] rdata);
  reg busy, bad; reg [31:0] value;
  assign gnt = !busy;
  always @(posedge clk) begin
    rvalid <= busy; rdata <= value; err <= bad; busy <= 1'b0;
    if (req && gnt) begin
      busy <= 1'b1; bad <= addr[15:2] != 0;
      if (we && be[0]) value[7:0] <= wdata[7:0];
      if (we && be[3]) value[31:24] <= ~wdata[31:24];
    end
    if (rst) begin busy <= 0; rvalid <= 0; value <= 0; irq <= 0; end
  end
endmodule
"""


def compiled(core: str, name: str) -> Program:
    return compile_program(core, {name: (PROGRAMS / name).read_text()}, main=[name])


def inline(core: str, body: str) -> Program:
    source = (
        "#include <stdint.h>\nvolatile uint32_t results[4];\n__attribute__((aligned(4))) int main(void) {"
        + body
        + "}"
    )
    return compile_program(core, {"inline.c": source}, main=["inline.c"])


@pytest.mark.parametrize("conditions", CONDITIONS.values(), ids=CONDITIONS)
def test_programs_run_alike_under_every_wait(core, conditions):
    program = compiled(core, "self_check.c")
    run = run_program(
        System(core=core), program, results=(program.symbols["results"], 8), conditions=conditions
    )
    total = 0
    for value in (-3, 500, -32768, 7):
        total = total * 10 + value
    quotient = -(-total // 7)
    data = bytearray(i * 37 & 0xFF for i in range(16))
    data[6:8] = b"\xef\xbe"
    words = [total, quotient ^ (total % 2**32 % 7), 0, -(0x100 - 0xBE), 0, 6, 1, 0]
    words[2] = int.from_bytes(data[4:8], "little")
    words[4] = int.from_bytes(data[9:13], "little")
    assert run.results.tolist() == [word % 2**32 for word in words]
    assert run.exit_code == 42
    assert run.console == "hello\n"


def test_waits_cost_cycles(core):
    program = compiled(core, "self_check.c")
    cycles = [
        run_program(System(core=core), program, conditions=Conditions(data_waits=Waits(response=wait))).cycles
        for wait in (0, 2, 4)
    ]
    assert cycles[0] < cycles[1] < cycles[2]


def test_interrupts_lose_nothing(core):
    if not CORES[core].privileged:
        pytest.skip("its interrupts have instructions of their own; test_layers.py takes them")
    program = compiled(core, "traps.S")
    run = run_program(
        System(core=core),
        program,
        results=(program.symbols["results"], 3),
        conditions=Conditions(interrupts=(3, 90), data_waits=Waits(grant=1, response=1), random_seed=1),
    )
    total, timer, random = run.results.tolist()
    assert total == 2000 * 2001 // 2
    assert timer == 1
    assert random > 20


def test_device_on_the_data_bus(core):
    program = inline(
        core,
        f"""
        volatile uint32_t *device = (volatile uint32_t *){DEVICE_BASE:#x};
        device[0] = 0x12345678;
        results[0] = device[0];
        ((volatile uint8_t *)device)[3] = 0xf0;
        results[1] = device[0] + results[0];
        return 0;""",
    )
    system = System(core=core, device=Attachment(verilog=DEVICE, top="register_device"))
    run = run_program(system, program, results=(program.symbols["results"], 2))
    first = 0xED000078
    assert run.results.tolist() == [first, (0x0F000078 + first) % 2**32]


def test_illegal_instruction_traps(core):
    program = inline(
        core, '__asm__ volatile(".globl bad\\nbad: .insn r4 0x2b, 6, 1, a0, a1, a2, a0"); return 0;'
    )
    with pytest.raises(TrapError) as trap:
        run_program(System(core=core), program)
    assert (trap.value.cause, trap.value.pc) == (2, program.symbols["bad"])


def test_nothing_there(core):
    program = inline(core, "return *(volatile int *)0x20000004;")
    with pytest.raises(ProgramError) as error:
        run_program(System(core=core), program, conditions=Conditions(limit=10_000))
    if not CORES[core].has_bus_errors:
        assert "reads from 0x20000004, where nothing is" in str(error.value)


def test_bus_errors_where_the_core_can_be_told(core):
    program = inline(core, "results[0] = 1; results[1] = results[0]; return 0;")
    main = program.symbols["main"]
    conditions = Conditions(instruction_errors=[BusError(first=main, end=main + 4)], limit=10_000)
    if not CORES[core].has_bus_errors:
        with pytest.raises(ValueError, match="no bus error input"):
            run_program(System(core=core), program, conditions=conditions)
        return
    with pytest.raises(TrapError) as trap:
        run_program(System(core=core), program, conditions=conditions)
    assert trap.value.pc == main


def test_endless_programs_are_given_up(core):
    with pytest.raises(ProgramError, match="no end of the program after 5000 cycles"):
        run_program(System(core=core), inline(core, "for (;;) {}"), conditions=Conditions(limit=5000))


def test_memory_is_loaded_and_saved(core, rng):
    words = rng.integers(0, 2**32, 64, dtype=np.uint32)
    program = inline(
        core,
        """
        extern uint32_t __free[];
        for (int i = 0; i < 64; ++i) __free[64 + i] = ~__free[i];
        return 0;""",
    )
    run = run_program(
        System(core=core),
        program,
        memory={program.free: words.tobytes()},
        results=(program.free, 128),
    )
    np.testing.assert_array_equal(run.results, np.concatenate([words, ~words]))
