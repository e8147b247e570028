"""What the study on trade-offs claims of robustness to distribution shift."""

from functools import partial

from assay.analysis.claims import BETTER, MOST, NEARLY_ALL, WORSE, Amount, Claim, Compare, Region, Trend
from assay.studies.claims.groups import (
    ADVERSARIAL,
    ALL,
    ATTACK_FIRST,
    AUGMENT_FIRST,
    AUGMENTED,
    BASELINE,
    COMBINED,
    COMBINED_FAMILIES,
    CUTOUT,
    ENSEMBLES,
    FGSM,
    LARGE,
    MIXUP,
    PGD,
    SOURCE,
    alone,
)
from assay.studies.claims.measures import BRIGHTNESS, FOG, IMPULSE, SHIFTED

_claim = partial(Claim, axis="shift", source=SOURCE)
_compare = partial(Compare, measures=(SHIFTED,))
ONE_SEED = "Each recipe was trained once: accuracy on single corruptions differs between seeds by several points."

CLAIMS = (
    _claim(
        key="s1",
        text="Nearly all models collapse on fog and on impulse noise.",
        parts=tuple(
            Compare(
                text=f"At least 90 % of all models have less than 50 % {measures.name}.",
                left=(ALL,),
                left_as="each",
                measures=(measures,),
                region=Region(high=0.5),
                amount=NEARLY_ALL,
            )
            for measures in (FOG, IMPULSE)
        ),
        weakness="A collapse on fog alone is what a network shows that gets input scaled otherwise than in training: "
        "with the same scaling, plain networks keep about 75 % on fog and 82 to 88 % on impulse noise.",
    ),
    _claim(
        key="s2",
        text="The scaled-up model has lower mean MNIST-C accuracy than the baseline, far lower on fog.",
        parts=(
            _compare(
                text="The scaled-up model has lower mean accuracy than the baseline.",
                left=(LARGE,),
                right=(BASELINE,),
                region=WORSE,
            ),
            Compare(
                text="On fog it is more than 10 points worse.",
                left=(LARGE,),
                right=(BASELINE,),
                measures=(FOG,),
                region=Region(high=-0.10),
            ),
        ),
        weakness=f"One scaled-up model. {ONE_SEED}",
    ),
    _claim(
        key="s3",
        text="Every ensemble is slightly better than the baseline on MNIST-C, larger ones more so.",
        parts=(
            _compare(
                text="Each ensemble has higher mean accuracy than the baseline, by less than 5 points.",
                left=(ENSEMBLES,),
                left_as="each",
                right=(BASELINE,),
                region=Region(0.0, 0.05),
            ),
            Trend(
                text="Mean accuracy rises along a line fitted over the logarithm of the number of members.",
                group=ENSEMBLES,
                parameter="ensemble.members",
                logarithm=True,
                measures=(SHIFTED,),
                region=BETTER,
            ),
        ),
        weakness="The ensembles share their members, so that they are no independent evidence.",
    ),
    _claim(
        key="s4",
        text="Every purely adversarial model is worse than the baseline on average over MNIST-C, with large drops on "
        "brightness, fog and impulse noise.",
        parts=(
            _compare(
                text="Each purely adversarial model has lower mean accuracy than the baseline.",
                left=(ADVERSARIAL,),
                left_as="each",
                right=(BASELINE,),
                region=WORSE,
            ),
            Compare(
                text="On brightness, fog and impulse noise they are more than 10 points worse on average.",
                left=(ADVERSARIAL,),
                right=(BASELINE,),
                measures=(BRIGHTNESS, FOG, IMPULSE),
                region=Region(high=-0.10),
            ),
        ),
        weakness=ONE_SEED,
    ),
    _claim(
        key="s5",
        text="The larger the training budget of adversarial training, the more it hurts on MNIST-C.",
        parts=(
            Trend(
                text="Mean accuracy of PGD-trained models falls along a line fitted over eps.",
                group=PGD,
                parameter="pgd.eps",
                measures=(SHIFTED,),
                region=WORSE,
            ),
            Trend(
                text="Mean accuracy of FGSM-trained models falls along a line fitted over eps.",
                group=FGSM,
                parameter="fgsm.eps",
                measures=(SHIFTED,),
                region=WORSE,
            ),
        ),
        weakness="Three budgets of PGD and four of FGSM, each trained once.",
    ),
    _claim(
        key="s6",
        text="CutOut and MixUp help marginally at best on MNIST-C, and often hurt.",
        parts=(
            _compare(
                text="No augmentation-only model is better than the baseline by 2 points or more on average.",
                left=(AUGMENTED,),
                left_as="each",
                right=(BASELINE,),
                region=Region(high=0.02),
            ),
            _compare(
                text="At least a third of them are worse than the baseline.",
                left=(AUGMENTED,),
                left_as="each",
                right=(BASELINE,),
                region=WORSE,
                amount=Amount("at least a third", 1 / 3),
            ),
        ),
        weakness=ONE_SEED,
    ),
    _claim(
        key="s7",
        text="Combined models are worse on MNIST-C than the baseline and than augmentation alone, in either order.",
        parts=(
            _compare(
                text="More than half of the combined models have lower mean accuracy than the baseline.",
                left=(COMBINED,),
                left_as="each",
                right=(BASELINE,),
                region=WORSE,
                amount=MOST,
            ),
            _compare(
                text="For each pair of techniques and order, combined models on average have lower mean accuracy than "
                "models with that augmentation alone with the same settings.",
                left=COMBINED_FAMILIES,
                right=alone(COMBINED_FAMILIES, {"cutout": CUTOUT, "mixup": MIXUP}),
                matched=True,
                region=WORSE,
            ),
            _compare(
                text="For at least 90 % of the pairs of an attack and an augmentation with the same settings, the two "
                "orders differ by less than 3 points.",
                left=AUGMENT_FIRST,
                left_as="each",
                right=ATTACK_FIRST,
                amount=NEARLY_ALL,
                matched=True,
                region=Region(-0.03, 0.03),
            ),
        ),
        weakness="That no difference between the orders was seen does not show that there is none.",
    ),
)
