"""Products on a board: the host's program, and a serial port to a board that is simulated."""
