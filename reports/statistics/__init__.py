"""The statistics of fairness audits: pure functions of counts and arrays, no files, no pictures.

Every interval and test states the method it follows; `tests/benchmarks/audit.py` measures
coverage, error rates and power by simulation.
"""
