"""xDecimate inside CV32E40P, on the real core."""
