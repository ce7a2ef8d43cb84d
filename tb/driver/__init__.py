"""Drivers in Python, and in C on the RISC-V system."""
