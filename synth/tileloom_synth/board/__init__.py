"""Generated blocks on boards: their pins, clocks, builds and programming, with amaranth-boards."""
