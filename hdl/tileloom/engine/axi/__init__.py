"""The engine as an AXI4 master: it reads its program and data from memory, and writes results there."""
