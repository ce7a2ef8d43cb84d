"""What a board needs around a generated block: a serial line, memories, and addresses for all of it.

The block's side of it is in each family's ``board``; pins, clocks and builds are in ``tileloom_synth.board``.
"""
