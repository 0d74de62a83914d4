"""The HTTP service: the `/v1` API and the page on which a person drops a picture."""

from assay.api.app import create_app

__all__ = ["create_app"]
