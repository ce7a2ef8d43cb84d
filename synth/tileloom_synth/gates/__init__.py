"""Gate-level simulation of mapped netlists in NumPy: 64 vectors to a word, every cell as its library says."""
