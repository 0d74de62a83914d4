"""`/v1/audits`: fairness audits of pictures in an archive; the operations are in `router`."""
