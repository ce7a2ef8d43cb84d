"""A serial line to a bus: bytes, frames, accesses. What a board's USB connector reaches the hardware by."""
