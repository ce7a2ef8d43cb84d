"""Builds and runs simulations of what Tileloom generates."""
