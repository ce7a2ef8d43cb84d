"""Whole networks on grids of cores with memory tiles and DDR: compiler, time, functional model."""
