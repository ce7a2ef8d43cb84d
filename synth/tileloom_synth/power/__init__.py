"""Energy of mapped netlists: toggles from simulation times what the liberty file says each of them costs."""
