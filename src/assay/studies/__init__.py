"""The catalogue of studies."""

from assay.studies.monitoring import monitoring
from assay.studies.one_class import one_class
from assay.studies.pixmix_oe import pixmix_oe
from assay.studies.quickstart import quickstart
from assay.studies.tradeoffs import tradeoffs

__all__ = ["monitoring", "one_class", "pixmix_oe", "quickstart", "tradeoffs"]
