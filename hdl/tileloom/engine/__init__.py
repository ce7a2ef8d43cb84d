"""The block-sparse tile engine: C = A x B, where B keeps only its blocks that are not zero."""
