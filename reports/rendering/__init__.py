"""Pages from results: one style, templates, figures, canonical JSON, PDF."""
