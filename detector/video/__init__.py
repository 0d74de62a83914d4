"""Video: a few moments of it, scored as pictures, within a fixed amount of time and memory."""
