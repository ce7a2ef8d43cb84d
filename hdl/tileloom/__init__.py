"""RTL generators, in Amaranth, for the matrix hardware of sparse edge inference."""
