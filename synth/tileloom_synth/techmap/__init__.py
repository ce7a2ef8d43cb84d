"""What Yosys maps by our own rules: full adders, multipliers, memories."""
