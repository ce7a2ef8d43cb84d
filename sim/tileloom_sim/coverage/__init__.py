"""Coverage of RTL and of functions by the regressions of all families: ``tileloom verify --coverage``."""
