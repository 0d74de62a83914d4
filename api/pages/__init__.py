"""The web pages: rendered here, readable without scripts, loading nothing from elsewhere."""
