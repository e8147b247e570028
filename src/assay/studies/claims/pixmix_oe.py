"""What the study on PixMix and outlier exposure claims."""

from functools import partial

from assay.analysis.claims import BETTER, WORSE, Between, Claim, Compare, Group, Measures, Region
from assay.studies.claims.measures import SETS, SHIFTED, auroc

SOURCE = "MNIST with PixMix and outlier exposure"
SCORES = ("max softmax", "cross entropy")  # the study's two
SEEN, UNSEEN = "Fashion-MNIST", "KMNIST"  # whether exposure shows training images of the set

BASELINE = Group(name="the baseline", families=("baseline",))
SALT_PEPPER = Group(name="salt and pepper", families=("salt_pepper",))
PIXMIX = Group(name="PixMix", families=("pixmix",))
PLAIN = (BASELINE, SALT_PEPPER, PIXMIX)
EXPOSED = (
    Group(name="outlier exposure", families=("outlier_exposure",)),
    Group(name="salt and pepper with outlier exposure", families=("salt_pepper > outlier_exposure",)),
    Group(name="PixMix with outlier exposure", families=("pixmix > outlier_exposure",)),
)

CLEAN = Measures(
    name="clean accuracy", evaluation="shift", metric="accuracy", settings=((("corruption", "clean"),),)
)  # fmt: skip
MCE = Measures(name="mean corruption error (1 is the baseline's, lower is better)", evaluation="shift", metric="mce")
BY_SET = {name: auroc(name, *SCORES) for name in SETS}
ONE_BY_ONE = tuple(auroc(name, score) for name in SETS for score in SCORES)
ONCE = "Each model was trained once, and no interval is given."


def _raises(outliers: str, which: str) -> Compare:
    return Compare(
        text=f"On {outliers}, {which}, each of the baseline, salt and pepper, and PixMix has higher AUROC with "
        "exposure than without, mean over max softmax and cross entropy.",
        left=EXPOSED,
        right=PLAIN,
        matched=True,
        measures=(BY_SET[outliers],),
        region=BETTER,
    )


_beats = partial(Compare, left=(BASELINE,), right=(SALT_PEPPER, PIXMIX), region=BETTER)

CLAIMS = (
    Claim(
        key="s8",
        axis="shift",
        source=SOURCE,
        text="The baseline is better than salt and pepper and than PixMix, in clean and in MNIST-C accuracy.",
        parts=(
            _beats(
                text="The baseline has higher clean accuracy than the model trained with salt and pepper and than the "
                "one trained with PixMix, none of them with outlier exposure.",
                measures=(CLEAN,),
            ),
            _beats(
                text="It has higher mean accuracy over the fifteen corruptions of MNIST-C than both.",
                measures=(SHIFTED,),
                beside=MCE,
            ),
        ),
        weakness=f"{ONCE} A clean accuracy of 93 to 95 % is that of models trained little, which an augmentation slows "
        "down further; their network, their training and the amount of salt and pepper are not stated.",
    ),
    Claim(
        key="o8",
        axis="anomaly",
        source=SOURCE,
        text="Outlier exposure raises every model's AUROC; PixMix without it is near perfect; cross entropy is at "
        "least as good a score as max softmax everywhere; salt and pepper is below the baseline.",
        parts=(
            _raises(UNSEEN, "which exposure has not shown"),
            _raises(SEEN, "whose training images exposure has shown"),
            Compare(
                text="PixMix without exposure has an AUROC above 99.9 % with max softmax and with cross entropy, on "
                "Fashion-MNIST and on KMNIST.",
                left=(PIXMIX,),
                measures=ONE_BY_ONE,
                region=Region(low=0.999),
            ),
            Between(
                text="On each of the six models, and on each outlier set, the AUROC of cross entropy is above that of "
                "max softmax, or below it by less than 0.1 points.",
                groups=(*PLAIN, *EXPOSED),
                pairs=tuple((auroc(name, "cross entropy"), auroc(name, "max softmax")) for name in SETS),
                region=Region(low=-0.001),
            ),
            Compare(
                text="Salt and pepper without exposure has lower AUROC than the baseline on each outlier set, mean "
                "over both scores.",
                left=(SALT_PEPPER,),
                right=(BASELINE,),
                measures=tuple(BY_SET.values()),
                region=WORSE,
            ),
        ),
        weakness=f"{ONCE} Most values are above 99.8 %, where little is left to gain: in the study's own table "
        "exposure adds nothing to PixMix on Fashion-MNIST. Exposure was to Fashion-MNIST, one of the two sets that it "
        "is tested on, and both are easily told from digits.",
    ),
)
