"""The command ``tileloom``."""
