"""Software that drives the hardware: from a host over a serial line."""
