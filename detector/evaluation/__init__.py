"""Measuring a detector honestly: by generator, by source, under laundering, beside confounds."""
