"""The parts of `tests/benchmarks/soak.py`.

`servers` are the PostgreSQL and the processes of the service, `faults` what is done to them,
`clients` those who use them, `ledger` what the clients were told, and `books` compares that with
the database, the bucket, the log and the metrics at the end.
"""
