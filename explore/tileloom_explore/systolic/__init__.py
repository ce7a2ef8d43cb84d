"""What networks, models and rooflines ask of an array alike."""
