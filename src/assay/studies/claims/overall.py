"""What the study on trade-offs claims of all axes together."""

from assay.analysis.claims import BETTER, BestCosts, Claim, Compare
from assay.studies.claims.groups import ALL, BASELINE, ENSEMBLES, SOURCE
from assay.studies.claims.measures import ATTACKED, AUROC_MEAN, CALIBRATION, ECE, SHIFTED

CLAIMS = (
    Claim(
        key="t1",
        axis="overall",
        source=SOURCE,
        text="Ensembles are better than the baseline on all four axes at once.",
        parts=(
            Compare(
                text="Each ensemble is better than the baseline on adversarial accuracy, mean MNIST-C accuracy, mean "
                "AUROC, and each of four calibration metrics.",
                left=(ENSEMBLES,),
                left_as="each",
                right=(BASELINE,),
                measures=(ATTACKED, SHIFTED, AUROC_MEAN, *CALIBRATION),
                region=BETTER,
            ),
        ),
        weakness="On the adversarial axis the gain is a few points over a baseline without any robustness, under "
        "attacks that are not the strongest on ensembles.",
    ),
    Claim(
        key="t2",
        axis="overall",
        source=SOURCE,
        text="The best model on any one axis is worse than the baseline on another.",
        parts=(
            BestCosts(
                text="The model with the best adversarial accuracy, mean MNIST-C accuracy, mean AUROC or ECE is worse "
                "than the baseline on at least one of the three others.",
                group=ALL,
                baseline=BASELINE,
                axes=(
                    ("adversarial robustness", ATTACKED),
                    ("distribution shift", SHIFTED),
                    ("anomaly detection", AUROC_MEAN),
                    ("calibration", ECE),
                ),
            ),
        ),
        weakness="It sits ill with two other claims: if ensembles are the best calibrated and better than the baseline "
        "on all axes, then the best on calibration pays nothing. The best of hundreds of models is also the luckiest.",
    ),
)
