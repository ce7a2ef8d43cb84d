"""Area of xDecimate: the unit, its coprocessor, and what either adds to a core."""
