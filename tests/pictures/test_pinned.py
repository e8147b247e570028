"""Trained models rest on these very pictures, and no key of the store knows the code that draws them: here it is held.

The pin allows what other processors round otherwise: the means of a picture's quarters may be off by a grey level, and
a few pictures by more, as an orbit near chaos is. Measured between vector instructions: one picture in 600 is off.
"""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from assay.pictures import KINDS, mixing_pictures
from assay.pictures.dull import dull
from assay.pictures.mixing import DRAWN, Kind, _chunk, chunk_size
from assay.pictures.tones import curves
from assay.randomness import derive

REMEDY = "the pictures changed: bump PixMix.version and Fractals.version, then pin anew"
EACH = 64  # pictures of each kind that are pinned
ASTRAY = 3  # of them, at most, whose quarters are off by more than a grey level
# The rounded means of the four quarters of each picture, two hexadecimal digits each, eight pictures a line.
PINNED = {
    "ifs": [
        "79452f5d7b7b81a3b29bb37c7d6086fe4f212767ae8aa9965c384e2f58554f6d",
        "f3b492878c75897deceddeebb7dcc4c96c68536d332d430a5865666231097b3b",
        "cabd9ae7564d6e6a7161736e6861746a785e560d45650f36cfdbcfd95456724c",
        "55285a40792e646c8bc5f0cb53b3755249a34e8bab875980acfc6e74748dd5ca",
        "8a72779661b9a9776e63898c11343e379068484f63562c7873c17bc668666279",
        "95a778c58f71c0cfb2ecceae2a564b68678bc6a54e70597e20454733a7a98c9c",
        "23463f329dedcaaf72d2f2a746614e548c6640a3e0c49d9baeadc0c6b5bc9ee6",
        "965ee2cf6d394b49516e3c33994d7971a8a5ceb2bbb54d94536f515d535c6168",
    ],
    "escape_time": [
        "89653d2e565d467937304939d7b8d5a92b588d84426a94d992b9cb579d6cc5ba",
        "dbc7e3da806ac4884b457257193e495383578b20747179a654bb465d96c4cfe6",
        "6f423390b06bc191587675650d3d292c3aa27f49f5c3deb454538b6dc5c590ce",
        "7c805f7fd34d928fbca092794845ba95cf89a185af6fa58b885af3e4b586ae39",
        "8e97bc906aa88d551f8a1c7f9f8ac0827a3f3f4eb7999f9240474dd625755e9e",
        "bfaad1a0e6b5897fc227c75334472e199e8b7b125612c39dcee0b8c0e1b7c6b2",
        "4baa1665c1cd73c6565865ca307b7755ab9e9182928cb98d9036c29cbda256a7",
        "958b7b5761838563a59eadac294c031770102e07988b66902a7e2a8df4bdf9e5",
    ],
    "plasma": [
        "bbd570a6a092888c798f8a86586f5a646029af50797f6a797d6da18996998590",
        "9ea8a19e7daf2f5e51604d3b8a6e67497b6a645baa6fcf84255f243678816a6d",
        "6f46483ec9b1b66dadc3c7cc898682666461818556b4baada5a88776534f4b4f",
        "91a39caf859e8c47836670604a596959a39c778d6a4f75537954ae6284778573",
        "6e898f8f6e68998d66223c25beb9a0b88946b6bc409980be8a958d9054536b81",
        "8d84908b5c6d627dccd0d6ca83acb1ad3b7399535a455445c1ae8f9eb1b58dae",
        "56a260626f6b5d707575716dc0c6a3c76d737c6eacb2aba888856b77355b4475",
        "836c906e9c6a4b6b52776d605d4944405035413c785ba4a6646162647e87848c",
    ],
}


def quarters(kind: str) -> Tensor:
    """(EACH, 4) whole numbers."""
    x = mixing_pictures(len(KINDS) * EACH, (1, 31, 31))[KINDS.index(kind) :: len(KINDS)]
    return functional.adaptive_avg_pool2d(x.double(), 2).flatten(1).round().to(torch.uint8)


def written(values: Tensor) -> list[str]:
    return [bytes(part.flatten().tolist()).hex() for part in values.split(8)]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("kind", KINDS)
def test_the_pictures_are_those_that_models_were_trained_with(kind: str) -> None:
    found = quarters(kind)
    pinned = torch.tensor(list(bytes.fromhex("".join(PINNED[kind])))).view(EACH, 4)
    astray = int(((found.int() - pinned).abs().amax(dim=1) > 1).sum())
    assert astray <= ASTRAY, f"{REMEDY}; {astray} of {EACH} differ, now {kind}: {written(found)}"


def test_the_sizes_of_chunks_on_which_the_draws_depend() -> None:
    square = {28: 64, 31: 64, 64: 64, 65: 62, 100: 26, 224: 5, 1000: 1}
    for kind in KINDS:
        assert {side: chunk_size(kind, side, side) for side in square} == square, REMEDY
    oblong = {(20, 31): 64, (64, 100): 40, (60, 120): 36, (8, 512): 64, (1, 1000): 64}
    assert {sides: chunk_size("ifs", *sides) for sides in oblong} == oblong, REMEDY
    oblong |= {(8, 512): 8, (1, 1000): 2}
    assert {sides: chunk_size("plasma", *sides) for sides in oblong} == oblong, REMEDY


def test_a_dull_picture_is_drawn_anew_four_times(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []

    def flat(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:  # noqa: ARG001
        counts.append(count)
        return torch.zeros(count, height, width)

    monkeypatch.setitem(DRAWN, "ifs", Kind(flat, 2))
    _chunk("ifs", 0, 3, (1, 8, 8), 0)
    assert counts == 5 * [3], REMEDY


def test_tones_have_256_levels() -> None:
    assert curves(1, 1, 2, derive(0)).shape[2] == 256, REMEDY


def columns(values: Tensor, height: int) -> Tensor:
    return values.float().expand(1, 1, height, len(values))


def on_either_side() -> Iterator[tuple[str, Tensor, Tensor]]:
    """What is measured, a picture just dull by it, and one just not."""
    stripes = 2.0 * (torch.arange(32) % 8 < 4) - 1  # of mean 0 in each of 4 x 4 patches, and of deviation 1
    yield "deviation 0.15", columns(0.5 + 0.149 * stripes, 32), columns(0.5 + 0.151 * stripes, 32)

    place = torch.arange(100)
    few = place % 10 >= 7
    yield "share of one tone 0.7", columns(few & (place != 7), 100), columns(few | (place == 6), 100)

    # A board whose colour changes at J of 200 borders across, and as many down, has the likeness 1 - 2 J / 200.
    place = torch.arange(201)
    often, rarely = (board(place * changes // 200 % 2) for changes in (61, 59))
    yield "likeness of neighbours 0.4", often, rarely

    checks = 2 * board(torch.arange(32) // 8 % 2) - 1
    mixtures = [0.5 + 0.3 * (share**0.5 * checks + (1 - share) ** 0.5 * stripes) for share in (0.76, 0.74)]
    yield "share explained by patches 0.75", mixtures[0], mixtures[1]


def board(line: Tensor) -> Tensor:
    """White where a row's and a column's colours, both `line`, differ: as many changes across as down."""
    return (line[:, None] != line).float()[None, None]


def test_bounds_of_dullness() -> None:
    for measure, just, just_not in on_either_side():
        assert (bool(dull(just)), bool(dull(just_not))) == (True, False), f"{measure}: {REMEDY}"
