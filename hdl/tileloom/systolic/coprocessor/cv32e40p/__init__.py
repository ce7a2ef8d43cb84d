"""The array behind CV32E40P's port for an auxiliary unit."""
