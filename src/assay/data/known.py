"""The known data sets: their files with checksums, their classes, and the public addresses they come from.

MNIST: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition".
Fashion-MNIST: Xiao, Rasul, Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
algorithms". KMNIST: Clanuwat et al. 2018, "Deep learning for classical Japanese literature". MNIST-C: Mu, Gilmer 2019,
"MNIST-C: a robustness benchmark for computer vision".
"""

from dataclasses import dataclass
from typing import NamedTuple

SPLITS = ("train", "test", "outliers")
N_OUTLIERS = 10_000  # "outliers" is this many from the start of the training set
NEAR, FAR = "near", "far"  # kinds of outlier sets, beside MNIST, see `kind_of`
PREFIX = {"train": "train", "test": "t10k", "outliers": "outliers"}


class Checksums(NamedTuple):
    """The md5 of one file: of the uncompressed idx file (None where nobody published it), and of the published .gz."""

    idx: str | None
    gz: str | None


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """A published data set of 28 x 28 greys in ten classes.

    Attributes:
        title: the name in sentences.
        kind: NEAR or FAR, beside handwritten digits.
        classes: the classes' names.
        addresses: the public folders its four .gz files are fetched from, tried in this order.
        files: the files' checksums by name without .gz.
    """

    title: str
    kind: str
    classes: tuple[str, ...]
    addresses: tuple[str, ...]
    files: dict[str, Checksums]


def images_file(split: str) -> str:
    """The name of a split's file of images, without .gz."""
    return f"{PREFIX[split]}-images-idx3-ubyte"


def labels_file(split: str) -> str:
    """The name of a split's file of labels, without .gz."""
    return f"{PREFIX[split]}-labels-idx1-ubyte"


KNOWN = {
    "mnist": KnownSet(
        title="MNIST",
        kind=NEAR,
        classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
        addresses=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        files={
            "train-images-idx3-ubyte": Checksums(
                "6bbc9ace898e44ae57da46a324031adb", "f68b3c2dcbeaaa9fbdd348bbdeb94873"
            ),
            "train-labels-idx1-ubyte": Checksums(
                "a25bea736e30d166cdddb491f175f624", "d53e105ee54ea40749a09fcbcd1e9432"
            ),
            "t10k-images-idx3-ubyte": Checksums("2646ac647ad5339dbf082846283269ea", "9fb629c4189551a2d022fa330f9573f3"),
            "t10k-labels-idx1-ubyte": Checksums("27ae3e4e09519cfbb04c329615203637", "ec29112dd5afa0611ce80d1b7f02629c"),
        },
    ),
    "fashion_mnist": KnownSet(
        title="Fashion-MNIST",
        kind=FAR,
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        addresses=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        files={
            "train-images-idx3-ubyte": Checksums(
                "f4a8712d7a061bf5bd6d2ca38dc4d50a", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"
            ),
            "train-labels-idx1-ubyte": Checksums(
                "9018921c3c673c538a1fc5bad174d6f9", "25c81989df183df01b3e8a0aad5dffbe"
            ),
            "t10k-images-idx3-ubyte": Checksums("8181f5470baa50b63fa0f6fddb340f0a", "bef4ecab320f06d8554ea6380940ec79"),
            "t10k-labels-idx1-ubyte": Checksums("15d484375f8d13e6eb1aabb0c3f46965", "bb300cfdad3c16e7a12a480ee83cd310"),
            "outliers-images-idx3-ubyte": Checksums("56cb151f02f7a0ea897b87493b6c7586", None),
            "outliers-labels-idx1-ubyte": Checksums("6017ecad9bfe54bba7fcc9dc44bdedd4", None),
        },
    ),
    "kmnist": KnownSet(
        title="KMNIST",
        kind=NEAR,
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        addresses=(
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://huggingface.co/datasets/tanganke/kmnist/resolve/756d43e894032ce8838db8b32e7500c9c3b5d050/raw/",
        ),
        files={
            "train-images-idx3-ubyte": Checksums(None, "bdb82020997e1d708af4cf47b453dcf7"),
            "train-labels-idx1-ubyte": Checksums(None, "e144d726b3acfaa3e44228e80efcd344"),
            "t10k-images-idx3-ubyte": Checksums("bf305b8cd328700fbc17f5acbc2856d2", "5c965bf0a639b31b8f53240b1b52f4d7"),
            "t10k-labels-idx1-ubyte": Checksums("9f55f451c0988b028eccdf7d5cc265ab", "7320c461ea6c1c855c0b718fb2a4b134"),
        },
    ),
}
