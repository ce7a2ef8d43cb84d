"""A cocotb test of a counter, for test_paths: as small as one can be that needs a simulator."""

import cocotb
from cocotb.triggers import Timer


@cocotb.test()
async def counts(dut):
    for cycle in range(5):
        dut.clk.value = 0
        await Timer(1, "ns")
        assert dut.y.value == cycle
        dut.clk.value = 1
        await Timer(1, "ns")
