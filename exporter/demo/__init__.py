"""A simulated ibl.ai platform: the analytics API of a university that does not exist."""
