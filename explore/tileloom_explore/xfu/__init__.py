"""What networks, models and rooflines ask of xDecimate alike."""
