"""Fairness audits of generated pictures: manifest and labels in, claims with verdicts out."""
