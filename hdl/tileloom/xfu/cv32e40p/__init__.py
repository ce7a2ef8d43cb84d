"""xDecimate in the pipeline of CV32E40P."""
