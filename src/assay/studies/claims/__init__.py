"""What the studies claim: every claim as a declarative object, by study."""

from assay.analysis.claims import Claim
from assay.studies.claims import adversarial, anomaly, calibration, overall, pixmix_oe, shift

CLAIMS: tuple[Claim, ...] = (
    *adversarial.CLAIMS, *shift.CLAIMS, *anomaly.CLAIMS, *calibration.CLAIMS, *overall.CLAIMS,
)  # fmt: skip  # of the study on trade-offs
_BY_STUDY = {"tradeoffs": CLAIMS, "pixmix_oe": pixmix_oe.CLAIMS}
CLAIMED = tuple(_BY_STUDY)  # the names of the studies that have claims


def claims_of(study: str) -> tuple[Claim, ...]:
    """The claims of the study of that name; none where nobody has claimed anything of it."""
    return _BY_STUDY.get(study, ())
