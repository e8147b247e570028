"""What the study on trade-offs claims of adversarial robustness."""

from functools import partial

from assay.analysis.claims import BETTER, NEARLY_ALL, WORSE, Amount, Claim, Compare, Region, Trend, Wider
from assay.studies.claims.groups import (
    ADVERSARIAL,
    ATTACK_FIRST,
    AUGMENT_FIRST,
    AUGMENTED,
    BASELINE,
    COMBINED,
    ENSEMBLES,
    FGSM,
    LARGE,
    PGD,
    SOURCE,
)
from assay.studies.claims.measures import AT_03, BOTH, FGSM_ACCURACY, PGD_ACCURACY, WORST, WORST_AT_03

_claim = partial(Claim, axis="attack", source=SOURCE)
_compare = partial(Compare, measures=BOTH, beside=WORST)
ONE_ATTACK = (
    "It is about each attack alone; the accuracy that both together leave, shown beside, is lower and decides nothing."
)
ONE_STEP = (
    "FGSM takes one step: a model that hides its gradients passes it without being robust, and the accuracy of "
    "FGSM-trained models is measured with the very attack that they were trained on."
)
FEW_POINTS = (
    "Each recipe was trained once, and differences of a few points between few models may be the luck of training."
)

CLAIMS = (
    _claim(
        key="a1",
        text="The baseline and models trained with an augmentation alone are the least robust tier, and the "
        "augmentation makes it worse than the baseline, most clearly under PGD.",
        parts=(
            _compare(
                text="The baseline, and augmentation-only models on average, have lower FGSM and PGD accuracy than "
                "purely adversarial models, combined models, ensembles and the scaled-up model on average.",
                left=(BASELINE, AUGMENTED),
                right=(ADVERSARIAL, COMBINED, ENSEMBLES, LARGE),
                region=WORSE,
            ),
            _compare(
                text="Augmentation-only models on average have lower FGSM and PGD accuracy than the baseline.",
                left=(AUGMENTED,),
                right=(BASELINE,),
                region=WORSE,
            ),
            Wider(
                text="Augmentation-only models lose more points to the baseline under PGD than under FGSM.",
                left=AUGMENTED,
                right=BASELINE,
                on=PGD_ACCURACY,
                than=FGSM_ACCURACY,
            ),
        ),
        weakness="Under PGD all models of this tier stand near 0 %, where little can be told apart; and the iterations "
        "of the PGD that measured are not stated.",
    ),
    _claim(
        key="a2",
        text="Models trained with FGSM and with PGD are the most robust tier, and similar to each other.",
        parts=(
            _compare(
                text="FGSM- and PGD-trained models, each on average, have higher FGSM and PGD accuracy than the "
                "baseline, augmentation-only models, ensembles and the scaled-up model on average.",
                left=(FGSM, PGD),
                right=(BASELINE, AUGMENTED, ENSEMBLES, LARGE),
                region=BETTER,
            ),
            _compare(
                text="FGSM- and PGD-trained models on average differ by less than 5 points, under FGSM and under PGD.",
                left=(FGSM,),
                right=(PGD,),
                region=Region(-0.05, 0.05),
            ),
        ),
        weakness=f"{ONE_STEP} The study had no stronger attack that would show it (its PGD is weak evidence too).",
    ),
    _claim(
        key="a3",
        text="Models that combine an attack and an augmentation are clearly more robust than the baseline and slightly "
        "less than purely adversarial ones.",
        parts=(
            _compare(
                text="Combined models on average are more than 10 points better than the baseline under FGSM and PGD.",
                left=(COMBINED,),
                right=(BASELINE,),
                region=Region(low=0.10),
            ),
            _compare(
                text="Combined models on average are worse than purely adversarial ones trained with the same attack "
                "settings, by less than 10 points.",
                left=(COMBINED,),
                right=(ADVERSARIAL,),
                matched=True,
                region=Region(-0.10, 0.0),
            ),
        ),
        weakness=ONE_STEP,
    ),
    _claim(
        key="a4",
        text="For adversarial accuracy the order of attack and augmentation hardly matters.",
        parts=tuple(
            Compare(
                text="For at least 90 % of the pairs of an attack and an augmentation with the same settings, the two "
                f"orders differ by less than 5 points in {measures.name}.",
                left=AUGMENT_FIRST,
                left_as="each",
                right=ATTACK_FIRST,
                matched=True,
                measures=(measures,),
                region=Region(-0.05, 0.05),
                amount=NEARLY_ALL,
                beside=WORST,
            )
            for measures in BOTH
        ),
        weakness="That no difference was seen does not show that there is none: the study gives no interval.",
    ),
    _claim(
        key="a5",
        text="Ensembles and the scaled-up model lie between the tiers.",
        parts=(
            _compare(
                text="Ensembles on average and the scaled-up model are better than the baseline and augmentation-only "
                "models under FGSM and PGD.",
                left=(ENSEMBLES, LARGE),
                right=(BASELINE, AUGMENTED),
                region=BETTER,
            ),
            _compare(
                text="They are worse than purely adversarial and than combined models on average.",
                left=(ENSEMBLES, LARGE),
                right=(ADVERSARIAL, COMBINED),
                region=WORSE,
            ),
        ),
        weakness=f"{FEW_POINTS} Ensembles are attacked along the mean of their members' gradients, which is not the "
        "strongest attack on them.",
    ),
    _claim(
        key="a6",
        text="The scaled-up model is more robust than every ensemble under FGSM, and less under PGD.",
        parts=(
            Compare(
                text="Under FGSM the scaled-up model is better than each ensemble.",
                left=(LARGE,),
                right=(ENSEMBLES,),
                right_as="each",
                measures=(FGSM_ACCURACY,),
                region=BETTER,
                beside=WORST,
            ),
            Compare(
                text="Under PGD the scaled-up model is worse than each ensemble.",
                left=(LARGE,),
                right=(ENSEMBLES,),
                right_as="each",
                measures=(PGD_ACCURACY,),
                region=WORSE,
                beside=WORST,
            ),
        ),
        weakness="One scaled-up model, trained once: with another seed its place may differ. Under PGD all of them "
        f"stand near 0 %. {ONE_ATTACK}",
    ),
    _claim(
        key="a7",
        text="Under PGD the accuracy of ensembles grows with their size; under FGSM there is no clear trend.",
        parts=(
            Trend(
                text="PGD accuracy rises along a line fitted over the logarithm of the number of members.",
                group=ENSEMBLES,
                parameter="ensemble.members",
                logarithm=True,
                measures=(PGD_ACCURACY,),
                region=BETTER,
                beside=WORST,
            ),
            Trend(
                text="Along such a line FGSM accuracy changes by less than 2 points from the smallest to the largest.",
                group=ENSEMBLES,
                parameter="ensemble.members",
                logarithm=True,
                measures=(FGSM_ACCURACY,),
                region=Region(-0.02, 0.02),
                beside=WORST,
            ),
        ),
        weakness="Four points that share their members: the larger ensembles contain the smaller. A line through so "
        f"few is weak evidence. {ONE_ATTACK}",
    ),
    _claim(
        key="a8",
        text="Many adversarially trained models are more robust than every ensemble by more than 50 points.",
        parts=tuple(
            Compare(
                text="At least a quarter of the adversarially trained models, alone or combined, beat the best "
                f"ensemble by more than 50 points in {measures.name}.",
                left=(ADVERSARIAL, COMBINED),
                left_as="each",
                right=(ENSEMBLES,),
                right_as="best",
                measures=(measures,),
                region=Region(low=0.5),
                amount=Amount("at least a quarter", 0.25),
                beside=WORST_AT_03,
            )
            for measures in AT_03
        ),
        weakness=ONE_STEP,
    ),
)
