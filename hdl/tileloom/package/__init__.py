"""What stands beside a design's Verilog for tools of other houses: each kind of file in a module of its own.

All of it follows from the ``Design`` alone; what needs the golden model or a simulation is in
``tileloom_sim.package``.
"""
