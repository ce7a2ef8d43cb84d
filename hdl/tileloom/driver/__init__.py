"""Software that drives the hardware: generated blocks by their registers, over any bus."""
