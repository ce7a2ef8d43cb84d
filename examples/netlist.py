"""A netlist of library cells from generated Verilog, with the Yosys of the wheel pyosys and nothing else.

Run: python examples/netlist.py DESIGN.v CELLS.lib NETLIST.v

Every module is mapped by itself and stays a module, so that time does not grow with the array. Paths without
blanks, please: ABC takes none.
"""

import sys

from pyosys import libyosys as ys

design, liberty, netlist = sys.argv[1:]
script = f"""
read_liberty -lib -ignore_miss_func {liberty}
read_verilog {design}
synth -auto-top
dfflibmap -liberty {liberty}
abc -liberty {liberty}
opt_clean -purge
check -mapped -assert
stat -liberty {liberty}
write_verilog -noattr {netlist}
"""
yosys = ys.Design()
for command in script.split("\n"):
    if command.strip():
        ys.run_pass(command, yosys)
