"""How varied and how structured the generated mixing pictures are, beside data sets and noise; and how fast they come.

    .venv/bin/python benchmarks/pictures.py

- copies: pictures that repeat another one exactly;
- nearest: |correlation of pixels| with the most similar other picture, median, and the shares above 0.9 and 0.95;
- Vendi: the effective number of distinct pictures, at most the number of values in a picture; noise comes near it;
- coarse: median share of spectral energy in waves of 8 pixels and longer; white noise has 5 %;
- tones: median entropy of the values in 16 bins, in bits, at most 4.

Pictures to mix in should come near noise in variety (few near copies, high Vendi) and near data in structure (coarse).
"""

import argparse
import time

import torch
from torch import Tensor

from assay.data import load, sample
from assay.pictures import KINDS, mixing_pictures
from assay.pictures.diversity import coarse_share, duplicates, likeness, tone_entropy, vendi_score
from assay.randomness import derive, integers

HEAD = (
    f"{'pictures':34} {'copies':>6} {'nearest':>8} {'> 0.9':>7} {'> 0.95':>7} {'Vendi':>7} {'coarse':>7} {'tones':>6}"
)


def row(name: str, x: Tensor) -> str:
    """One line of the table."""
    near = likeness(x)
    shares = " ".join(f"{(near > bound).double().mean():7.2%}" for bound in (0.9, 0.95))
    structure = f"{coarse_share(x).median():7.1%} {tone_entropy(x).median():6.2f}"
    return f"{name:34} {duplicates(x):6} {near.median():8.3f} {shares} {vendi_score(x):7.1f} {structure}"


def noise(count: int, shape: tuple[int, int, int]) -> Tensor:
    """Uniform noise."""
    return integers(0, 256, (count, *shape), derive(0, "noise"), like=torch.empty(0)).to(torch.uint8)


def main() -> None:
    """Print times and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for shape in ((1, 28, 28), (1, 32, 32), (3, 32, 32), (3, 64, 64)):
        start = time.process_time()
        mixing_pictures(options.count, shape, seed=options.seed)
        print(f"{options.count} pictures of {shape}: {time.process_time() - start:.2f} s of one processor")
    print(f"\n{HEAD}")
    for shape in ((1, 28, 28), (3, 32, 32)):
        x = mixing_pictures(options.count, shape, seed=options.seed)
        print(row(f"mixing pictures {shape}", x))
        for number, kind in enumerate(KINDS):
            print(row(f"  {kind} alone, a third of them", x[number :: len(KINDS)]))
        print(row(f"uniform noise {shape}", noise(options.count, shape)))
    for name, split in (("fashion_mnist", "outliers"), ("mnist", "test")):
        print(row(f"{name}/{split}", sample(load(name, split), options.count).x))


if __name__ == "__main__":
    main()
