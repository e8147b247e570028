"""Letters of other scripts, as the points of their strokes' middle lines.

The outlines are those of DejaVu Sans (a font free to use, which matplotlib brings); thinned to lines one pixel wide
(Zhang and Suen 1984, A fast parallel algorithm for thinning digital patterns), they can be drawn again with any pen.

A letter is left out where it looks like a digit: where, drawn plainly, centred by mass as MNIST's digits are, upright
or slanted by a quarter to either side, it correlates by `ALIKE` or more with the tenth most similar of MNIST's 10,000
test images. (So do 87 % of the digits themselves.) `BY_EYE` are left out besides: written by hand they may be read as
5, 2 or 6. `LETTERS` is what that leaves of `SCRIPTS`, the letters of six scripts without accented and obsolete ones.
"""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from assay.errors import MissingDataError

ALIKE = 0.67
BY_EYE = "ζςՆՋЪъ"
SCRIPTS = {
    "Greek": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρςστυφχψω",
    "Cyrillic": "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏабвгдежзиклмнопрстуфхцчшщъыьэюяђєѕіјљњћџ",
    "Armenian": "ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "Georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "Hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "Arabic": "ءابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",
}
LETTERS = (
    "ΑΓΕΗΚΛΜΝΠΡΥΧΨακλμπτχψω"
    "АГЕЖИКЛМНПРХШЩЫЉЊЋгджиклмнпсфхшщыюяљњћ"
    "ԱԲԷԹԻԽՀՃՄՊՌՐՒՖաբէթիխհմոպստփ"
    "დთლოფღ"
    "אבהחמעצקשת"
    "ءبتثجحخذزسشصضفلمنىي"
)
FONT = "DejaVuSans.ttf"
MISSING = (
    "glyphs: its letters are drawn from a font that matplotlib brings, which is not installed; "
    "run `pip install matplotlib`"
)
SIZE = 200  # pixels, at which an outline is drawn
SIDE = 64  # pixels of its longer side, at which it is thinned: a third of a pixel of MNIST's


@functools.cache
def strokes(letters: str = LETTERS) -> tuple[Tensor, ...]:
    """The points of each letter's middle lines, (P, 2) as (right, down), centred on 0, the longer side 1.

    Raises:
        MissingDataError: matplotlib is not installed.
    """
    font = ImageFont.truetype(str(font_file()), SIZE, layout_engine=ImageFont.Layout.BASIC)
    return tuple(_points(letter, font) for letter in letters)


def font_file() -> Path:
    """The font, in matplotlib's folder of data.

    Raises:
        MissingDataError: it is not there.
    """
    try:
        matplotlib = importlib.import_module("matplotlib")
    except ModuleNotFoundError as error:
        raise MissingDataError(MISSING) from error
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / FONT


def _points(letter: str, font: ImageFont.FreeTypeFont) -> Tensor:
    left, top, right, bottom = (int(value) for value in font.getbbox(letter))
    page = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(page).text((-left, -top), letter, fill=255, font=font)
    cut = page.crop(page.getbbox())
    scale = SIDE / max(cut.size)
    small = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.BOX)
    from skimage.morphology import skeletonize  # here, since it takes half a second and most runs need no letters

    thin: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]] = skeletonize
    line = thin(np.pad(np.asarray(small) > 127, 1))
    points = torch.from_numpy(np.argwhere(line)[:, ::-1].astype(np.float32))
    return boxed(points[None])[0]


def boxed(points: Tensor) -> Tensor:
    """Move and scale points (B, P, 2) so that they are centred on 0, the longer side of their box 1."""
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    return (points - (low + high) / 2) / (high - low).amax(2, keepdim=True)
