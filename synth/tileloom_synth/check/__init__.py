"""Whether a mapped netlist is the design: simulated against the golden model, proved where that is cheap."""
