"""Simulation of a cluster: its fabric alone on random programs, and the whole with cores."""
