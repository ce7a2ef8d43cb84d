"""Synthesis with Yosys, standard-cell libraries, and reports of area and timing."""
