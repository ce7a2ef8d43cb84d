"""Closed forms of cycles: models of time, held to the RTL as those of values are."""
