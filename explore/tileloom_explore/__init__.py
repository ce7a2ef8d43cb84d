"""Networks and decisions, above generators, models, simulation and synthesis."""
