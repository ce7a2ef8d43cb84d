"""Golden models of a cluster's fabric, cycle by cycle, from docs/cluster.md."""
