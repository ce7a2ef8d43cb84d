"""Designs on FPGAs: mapped by Yosys, placed and routed by nextpnr, checked by their regressions."""
