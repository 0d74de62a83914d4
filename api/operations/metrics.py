"""Prometheus metrics of the process."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("assay_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "assay_http_request_seconds",
    "Time from the first byte of a request to the last of its answer.",
    ["method", "route"],
    # From a health check to a video; `Prefer: wait` ends at a minute.
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300),
)
AT_WORK = Gauge("assay_http_requests_at_work", "Requests that are being answered.")
READY = Gauge("assay_ready", "Whether a part of the service is ready (1) or not (0).", ["part"])
JOBS = Gauge("assay_jobs", "Verifications that wait or run.", ["state"])
SIGNATURES = Counter("assay_signatures", "Files signed.", ["profile"])
AUDITS = Counter("assay_audits", "Audits finished.", ["status"])
