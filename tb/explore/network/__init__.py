"""Tests of networks on the hardware."""
