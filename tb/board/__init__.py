"""Blocks on boards: products over a serial line, pins to pins; projects, clocks and builds."""
