"""``tileloom package``: what a designer finds beside the Verilog. Families have their own parts of it."""
