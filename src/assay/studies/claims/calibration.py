"""What the study on trade-offs claims of calibration."""

from functools import partial

from assay.analysis.claims import BETTER, NEARLY_ALL, WORSE, Claim, Compare, Trend
from assay.studies.claims.groups import (
    ADVERSARIAL,
    BASELINE,
    COMBINED,
    COMBINED_FAMILIES,
    CUTOUT,
    ENSEMBLES,
    FGSM,
    LARGE,
    MIXUP,
    MIXUP_FIRST,
    OTHERS,
    PGD,
    REST_OF_CUTOUT,
    SOURCE,
    STRONG_CUTOUT,
    WEAK_CUTOUT,
)
from assay.studies.claims.measures import CALIBRATION

_claim = partial(Claim, axis="calibration", source=SOURCE)
_compare = partial(Compare, measures=CALIBRATION)
BINS = (
    "Errors of a thousandth are near what binning and the choice of test images give by themselves, and the test set "
    "is the one on which everything else was chosen."
)

CLAIMS = (
    _claim(
        key="c1",
        text="The worst calibrated tier is exactly the models trained with MixUp first and the attack second, on every "
        "metric.",
        parts=(
            _compare(
                text="On ECE, RMS calibration error, Brier score and NLL, each such model is worse than the worst of "
                "all others.",
                left=(MIXUP_FIRST,),
                left_as="each",
                right=(OTHERS,),
                right_as="worst",
                region=WORSE,
            ),
        ),
        weakness='The tiers were read off a picture; a test of "exactly" fails by one model that strays, and the worst '
        "of hundreds of others is also the unluckiest, for which a refutation is corrected.",
    ),
    _claim(
        key="c2",
        text="Ensembles are the best calibrated tier, better with their size.",
        parts=(
            _compare(
                text="On each metric, ensembles on average are better than each other family on average.",
                left=(ENSEMBLES,),
                right=(BASELINE, LARGE, PGD, FGSM, CUTOUT, MIXUP, *COMBINED_FAMILIES),
                region=BETTER,
            ),
            Trend(
                text="Each metric improves along a line fitted over the logarithm of the number of members.",
                group=ENSEMBLES,
                parameter="ensemble.members",
                logarithm=True,
                measures=CALIBRATION,
                region=BETTER,
            ),
        ),
        weakness=f"{BINS} The ensembles share their members.",
    ),
    _claim(
        key="c3",
        text="Nearly every other model is worse calibrated than the baseline.",
        parts=tuple(
            Compare(
                text=f"By {measures.name}, at least 90 % of all models other than ensembles, the scaled-up model and "
                "CutOut of length 7 with 1 or 2 holes are worse than the baseline.",
                left=(ADVERSARIAL, MIXUP, COMBINED, REST_OF_CUTOUT),
                left_as="each",
                right=(BASELINE,),
                measures=(measures,),
                region=WORSE,
                amount=NEARLY_ALL,
            )
            for measures in CALIBRATION
        ),
        weakness=BINS,
    ),
    _claim(
        key="c4",
        text="The scaled-up model and weak CutOut are marginally better calibrated than the baseline; stronger CutOut "
        "is worse.",
        parts=(
            _compare(
                text="On each metric, the scaled-up model and weak CutOut on average are better than the baseline.",
                left=(LARGE, WEAK_CUTOUT),
                right=(BASELINE,),
                region=BETTER,
            ),
            _compare(
                text="On each metric, strong CutOut on average is worse than the baseline.",
                left=(STRONG_CUTOUT,),
                right=(BASELINE,),
                region=WORSE,
            ),
        ),
        weakness=f"{BINS} A marginal gain of a model trained once is within what another seed gives.",
    ),
)
