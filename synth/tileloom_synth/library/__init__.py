"""Cell libraries: liberty files, what a cell computes, recipes of mapping."""
