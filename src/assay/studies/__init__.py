"""The catalogue of studies."""

from assay.studies.quickstart import quickstart
from assay.studies.tradeoffs import tradeoffs

__all__ = ["quickstart", "tradeoffs"]
