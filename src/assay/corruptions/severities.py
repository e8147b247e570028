"""Five severities of each corruption of MNIST-C, the mildest first; MNIST-C itself takes one of the five.

Those of eleven corruptions are the original generator's. Its stripe, dotted line, zigzag and Canny edges have none: the
last four here are ours, with MNIST-C's form as the third of the stripe, the first of the dotted line, and the fifth of
zigzag and Canny edges. Source: Mu and Gilmer (2019), MNIST-C: a robustness benchmark for computer vision.
"""

from assay.corruptions.base import Corruption
from assay.corruptions.brightness import Brightness
from assay.corruptions.canny_edges import CannyEdges
from assay.corruptions.dotted_line import DottedLine
from assay.corruptions.fog import Fog
from assay.corruptions.glass_blur import GlassBlur
from assay.corruptions.impulse_noise import ImpulseNoise
from assay.corruptions.motion_blur import MotionBlur
from assay.corruptions.rotate import Rotate
from assay.corruptions.scale import Scale
from assay.corruptions.shear import Shear
from assay.corruptions.shot_noise import ShotNoise
from assay.corruptions.spatter import Spatter
from assay.corruptions.stripe import Stripe
from assay.corruptions.translate import Translate
from assay.corruptions.zigzag import Zigzag

_ANGLES = (0.2, 0.4, 0.6, 0.8, 1.0)

GRADED: dict[str, tuple[Corruption, ...]] = {
    ShotNoise.name: tuple(ShotNoise(photons=photons) for photons in (60, 25, 12, 5, 3)),
    ImpulseNoise.name: tuple(ImpulseNoise(amount=amount) for amount in (0.03, 0.06, 0.09, 0.17, 0.27)),
    GlassBlur.name: tuple(
        GlassBlur(sigma=sigma, reach=reach, passes=passes)
        for sigma, reach, passes in ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))
    ),
    MotionBlur.name: tuple(
        MotionBlur(radius=radius, sigma=sigma) for radius, sigma in ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
    ),
    Shear.name: tuple(Shear(angle=angle) for angle in _ANGLES),
    Scale.name: tuple(Scale(factor=factor) for factor in (0.9, 0.8, 0.7, 0.6, 0.5)),
    Rotate.name: tuple(Rotate(angle=angle) for angle in _ANGLES),
    Brightness.name: tuple(Brightness(amount=amount) for amount in (0.1, 0.2, 0.3, 0.4, 0.5)),
    Translate.name: tuple(Translate(distance=distance) for distance in (1, 2, 3, 4, 5)),
    Fog.name: tuple(
        Fog(density=density, decay=decay) for density, decay in ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))
    ),
    Spatter.name: tuple(
        Spatter(mean=mean, std=std, blur=blur, threshold=threshold, soften=soften)
        for mean, std, blur, threshold, soften in (
            (0.65, 0.3, 4, 0.69, 0.6),
            (0.65, 0.3, 3, 0.68, 0.6),
            (0.65, 0.3, 2, 0.68, 0.5),
            (0.65, 0.3, 1, 0.65, 1.5),
            (0.67, 0.4, 1, 0.65, 1.5),
        )
    ),
    Stripe.name: tuple(Stripe(width=width) for width in (3, 5, 7, 9, 11)),
    DottedLine.name: tuple(DottedLine(lines=lines) for lines in (1, 2, 3, 4, 5)),
    Zigzag.name: tuple(Zigzag(intensity=intensity) for intensity in (0.2, 0.4, 0.6, 0.8, 1.0)),
    CannyEdges.name: tuple(CannyEdges(share=share) for share in (0.2, 0.4, 0.6, 0.8, 1.0)),
}
