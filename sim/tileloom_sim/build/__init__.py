"""Builds of simulators: tools, cache, Verilator, cocotb."""
