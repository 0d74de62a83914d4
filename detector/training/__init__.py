"""Training and choosing the shipped model; needs the `models` extra (scikit-learn)."""
