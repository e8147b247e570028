"""Near and far: how like handwritten digits an outlier set is.

NEAR sets have the digits' strokes and greys, and differ in shape; FAR ones differ in the statistics of their pixels
(Winkens et al. 2020, Contrastive training for improved out-of-distribution detection, tell near from far anomalies). A
mean over both hides which of them a detector finds, so the two are to be told apart.
"""

from assay.data.generated import GENERATED
from assay.data.known import KNOWN


def kind_of(name: str) -> str | None:
    """NEAR or FAR, of a known or generated set, beside handwritten digits; None of a set that is not known."""
    if name in GENERATED:
        return GENERATED[name].kind
    return KNOWN[name].kind if name in KNOWN else None
