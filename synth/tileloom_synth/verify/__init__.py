"""Proofs about the generated hardware, for ``tileloom verify``: netlists and specifications as SMT-LIB."""
