"""Which pictures are dull: nearly of one tone, a few blurs, or noise."""

from torch import Tensor
from torch.nn import functional

LEAST_DEVIATION = 0.15
LEAST_LIKENESS = 0.4
MOST_ALIKE = 0.7
PATCHES = 4
MOST_EXPLAINED = 0.75


def dull(x: Tensor) -> Tensor:
    """Say which pictures have little to show.

    A picture is dull if the standard deviation of its values is below LEAST_DEVIATION, if more than MOST_ALIKE of its
    pixels lie within 1/32 of the median in every channel, or if neighbours above and beside each other
    correlate by less than LEAST_LIKENESS on the mean, as noise does; or, where its sides are at least twice PATCHES, if
    the means of PATCHES x PATCHES patches explain more than MOST_EXPLAINED of its variance.

    Args:
        x: (N, C, H, W) in [0, 1].

    Returns:
        (N,) bool.
    """
    middle = x.flatten(2).median(dim=2).values[:, :, None, None]
    alike = ((x - middle).abs() < 1 / 32).all(dim=1).float().mean(dim=(1, 2))
    variance = x.var(dim=(2, 3), correction=0).mean(dim=1)
    steps = [x.diff(dim=axis).square().mean(dim=(1, 2, 3)) for axis in (2, 3) if x.shape[axis] > 1]
    rough = sum(steps, start=0 * variance) / max(1, len(steps))
    likeness = 1 - rough / (2 * variance).clamp(min=1e-9)
    patches: Tensor = functional.adaptive_avg_pool2d(x, PATCHES)
    explained = patches.var(dim=(2, 3), correction=0).mean(dim=1) / variance.clamp(min=1e-9)
    blurred = (explained > MOST_EXPLAINED) & (min(x.shape[2:]) >= 2 * PATCHES)
    return blurred | (variance < LEAST_DEVIATION**2) | (alike > MOST_ALIKE) | (likeness < LEAST_LIKENESS)
