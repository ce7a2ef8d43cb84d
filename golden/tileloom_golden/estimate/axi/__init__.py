"""The engine's AXI4 variant in time: all that it reads shares one bus, and any beat can be late."""
