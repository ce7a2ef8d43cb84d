"""Golden models of the block-sparse tile engine: formats, layers, programs, streams."""
