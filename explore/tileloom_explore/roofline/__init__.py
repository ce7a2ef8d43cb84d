"""Throughput and energy rooflines of the designs, with the layers that run on them as points."""
