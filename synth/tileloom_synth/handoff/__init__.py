"""What a synthesis leaves for the tools that come next: netlist, constraints, models, configurations."""
