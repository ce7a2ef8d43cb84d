"""A RISC-V system to run compiled programs on: a real core, its memory, and places to attach hardware.

``cores`` finds the cores, ``system`` builds a simulator of one, ``compile`` turns C into a program, ``run``
runs it and counts cycles. The memory map is in ``system``.
"""
