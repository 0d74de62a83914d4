"""Webhooks in the form of Standard Webhooks: signed, retried, replayable."""

from assay.api.webhooks.courier import Courier
from assay.api.webhooks.delivering import deliver_due, prune
from assay.api.webhooks.publishing import forget, publish

__all__ = ["Courier", "deliver_due", "forget", "prune", "publish"]
