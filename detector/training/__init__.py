"""Training and choosing models; needs the `models` extra."""
