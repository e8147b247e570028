"""What the study on trade-offs claims of anomaly detection."""

from functools import partial

from assay.analysis.claims import BETTER, MOST, WORSE, Claim, Compare, Mixed, NoBest, Region, Trend, VariesLeast
from assay.studies.claims.groups import (
    ADVERSARIAL,
    ALL,
    BASELINE,
    CUTOUT,
    ENSEMBLES,
    FGSM,
    LARGE,
    MIXUP,
    PGD,
    SOURCE,
    alone,
    with_part,
)
from assay.studies.claims.measures import (
    AUROC_BY_SET,
    AUROC_EVERYWHERE,
    AUROC_MEAN,
    SCORES,
    SETS,
    auroc,
)

_claim = partial(Claim, axis="anomaly", source=SOURCE)
CEILING = "AUROC is near its ceiling on both outlier sets, where small differences are hard to tell from noise."
_ATTACKS = {"pgd": PGD, "fgsm": FGSM}
_WITH_MIXUP, _WITH_CUTOUT = with_part("mixup"), with_part("cutout")


def _alone_and_combined(name: str, region: Region, better: str) -> tuple[Compare, Compare]:
    group, families = (MIXUP, _WITH_MIXUP) if name == "MixUp" else (CUTOUT, _WITH_CUTOUT)
    return (
        Compare(
            text=f"{name} alone on average has {better} AUROC than the baseline on each outlier set, mean over scores.",
            left=(group,),
            right=(BASELINE,),
            measures=AUROC_BY_SET,
            region=region,
        ),
        Compare(
            text=f"Models that combine {name} with an attack, in each order, on average have {better} AUROC than the "
            "attack alone with the same settings, on each outlier set, mean over scores.",
            left=families,
            right=alone(families, _ATTACKS),
            matched=True,
            measures=AUROC_BY_SET,
            region=region,
        ),
    )


CLAIMS = (
    _claim(
        key="o1",
        text="Most models reach an AUROC of at least 0.90 everywhere.",
        parts=(
            Compare(
                text="More than half of all models have an AUROC above 90 % with max softmax, max logit and ViM alike, "
                "against Fashion-MNIST and KMNIST alike.",
                left=(ALL,),
                left_as="each",
                measures=(AUROC_EVERYWHERE,),
                region=Region(low=0.9),
                amount=MOST,
            ),
        ),
        weakness="Both outlier sets are easily told from digits; harder ones were not tried.",
    ),
    _claim(
        key="o2",
        text="No anomaly score is best throughout; max softmax varies least between models on KMNIST.",
        parts=(
            NoBest(
                text="Each of max softmax, max logit and ViM is beaten by another on some model and outlier set.",
                group=ALL,
                rivals=tuple((score, tuple(auroc(outliers, score) for outliers in SETS)) for score in SCORES),
            ),
            VariesLeast(
                text="On KMNIST, the AUROC of max softmax has a smaller standard deviation over all models than that "
                "of max logit and that of ViM.",
                group=ALL,
                least=auroc("KMNIST", "max softmax"),
                others=(auroc("KMNIST", "max logit"), auroc("KMNIST", "ViM")),
            ),
        ),
        weakness=f"{CEILING} A spread over models hangs on the few that fail.",
    ),
    _claim(
        key="o3",
        text="Every ensemble is better than the baseline at anomaly detection, more so with its size.",
        parts=(
            Compare(
                text="Each ensemble has higher AUROC than the baseline on each outlier set, mean over scores.",
                left=(ENSEMBLES,),
                left_as="each",
                right=(BASELINE,),
                measures=AUROC_BY_SET,
                region=BETTER,
            ),
            Trend(
                text="Mean AUROC rises along a line fitted over the logarithm of the number of members.",
                group=ENSEMBLES,
                parameter="ensemble.members",
                logarithm=True,
                measures=(AUROC_MEAN,),
                region=BETTER,
            ),
        ),
        weakness=f"{CEILING} The ensembles share their members.",
    ),
    _claim(
        key="o4",
        text="The scaled-up model is comparable to the baseline on KMNIST and clearly worse on Fashion-MNIST.",
        parts=(
            Compare(
                text="On KMNIST the scaled-up model is within 1 point of the baseline, mean over scores.",
                left=(LARGE,),
                right=(BASELINE,),
                measures=AUROC_BY_SET[1:],
                region=Region(-0.01, 0.01),
            ),
            Compare(
                text="On Fashion-MNIST it is more than 1 point worse, mean over scores.",
                left=(LARGE,),
                right=(BASELINE,),
                measures=AUROC_BY_SET[:1],
                region=Region(high=-0.01),
            ),
        ),
        weakness="One scaled-up model, trained once.",
    ),
    _claim(
        key="o5",
        text="Adversarial training has no consistent effect on anomaly detection.",
        parts=tuple(
            Mixed(
                text=f"Some purely adversarial models have higher {measures.name} than the baseline and some lower, "
                "less than 90 % of them the same.",
                left=ADVERSARIAL,
                right=BASELINE,
                measures=measures,
            )
            for measures in AUROC_BY_SET
        ),
        weakness="Models trained once differ in AUROC by the luck of training, which looks like no consistent effect.",
    ),
    _claim(
        key="o6",
        text="MixUp lowers AUROC, alone and in combination.",
        parts=_alone_and_combined("MixUp", WORSE, "lower"),
        weakness=CEILING,
    ),
    _claim(
        key="o7",
        text="CutOut raises AUROC, alone and in combination.",
        parts=_alone_and_combined("CutOut", BETTER, "higher"),
        weakness=CEILING,
    ),
)
