"""Files that callers put into the bucket themselves, and then have examined."""
