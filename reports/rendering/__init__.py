"""Pages from results: one style, templates, canonical JSON, PDF."""
