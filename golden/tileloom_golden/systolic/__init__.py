"""Golden models of the systolic array: products tile by tile, bus words, quantisation, pruning."""
