"""What networks, models and rooflines ask of an engine alike."""
