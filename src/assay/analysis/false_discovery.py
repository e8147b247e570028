"""Many comparisons: p values adjusted so that a known share of what is called a difference is none."""

import numpy as np

from assay.analysis.zoo import Floats


def adjust(p: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p values.

    With p_(1) <= ... <= p_(m), adjusted_(i) = min over j >= i of min(1, m p_(j) / j). To call all those with adjusted
    <= q a difference has a false discovery rate of at most q for independent tests (Benjamini and Hochberg 1995,
    "Controlling the false discovery rate"), and for some that depend positively (Benjamini and Yekutieli 2001, "The
    control of the false discovery rate in multiple testing under dependency"). Two-sided comparisons with one baseline
    are not proved to be among them; in simulations the rate holds.

    Args:
        p: (m,) in [0, 1]; NaN is no test, and stays NaN.
    """
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted
