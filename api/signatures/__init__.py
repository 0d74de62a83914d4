"""`/v1/signatures`: files marked and signed, and their receipts; the operations are in `router`."""
