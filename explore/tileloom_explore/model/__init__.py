"""The analytical model of sparse tensor accelerators: a mapping in; traffic, cycles and energy out."""
