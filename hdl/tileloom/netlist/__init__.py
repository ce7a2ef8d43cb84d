"""A netlist between Amaranth and Verilog: what is merged, removed, widened and named on the way out.

Modules are what Yosys's ``write_json`` makes of them, as plain dictionaries.
"""
