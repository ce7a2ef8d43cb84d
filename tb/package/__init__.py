"""Tests of what stands beside a design's Verilog."""
