"""Synthesis of a cluster's fabric."""
