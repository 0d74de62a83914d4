"""Examinations in the background: queued, run exactly once, and recovered after crashes."""

from assay.api.jobs.durable import DurableJobs
from assay.api.jobs.interface import Jobs, QueueHealth, QueueUnavailable
from assay.api.jobs.work import Work
from assay.api.jobs.worker import Worker

__all__ = ["DurableJobs", "Jobs", "QueueHealth", "QueueUnavailable", "Work", "Worker"]
