"""The catalogue of studies."""

from assay.studies.quickstart import quickstart

__all__ = ["quickstart"]
