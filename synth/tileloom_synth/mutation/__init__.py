"""Mutation score: whether a design's own regression notices faults in its Verilog."""
