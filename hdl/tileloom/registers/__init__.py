"""Registers behind AXI4-Lite: hardware, C header, HTML and IP-XACT, all from one SystemRDL description."""
