"""Examinations in child processes, so that a hostile file can take down only a child."""

from assay.api.examining.examination import Examined, Refused, Stopped, examine, render
from assay.api.examining.examiners import Examiners, LocalExaminers, chosen_examiners
from assay.api.examining.pool import ChildDied, ChildFailed, Pool, PoolClosed, TookTooLong

__all__ = [
    "ChildDied",
    "ChildFailed",
    "Examined",
    "Examiners",
    "LocalExaminers",
    "Pool",
    "PoolClosed",
    "Refused",
    "Stopped",
    "TookTooLong",
    "chosen_examiners",
    "examine",
    "render",
]
