"""Networks of files that `tileloom network prepare` writes, on grids; the host computes the rest."""
