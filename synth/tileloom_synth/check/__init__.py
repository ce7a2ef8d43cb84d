"""Whether a mapped netlist is the design: simulated against the golden model, and proved where that is cheap."""
