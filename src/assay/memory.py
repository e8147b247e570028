"""How much memory cells take and how much there is, so that no more of them run at once than fit.

There is no model of what happens inside a cell. Its peak is taken to be that of the largest cell of its kind that this
run has finished, else of one that it found in the store, since each keeps its own as provenance (`peak_memory_mb`, of
the whole process). Before there is one, it is guessed:

    peak = PROCESS + COPIES * (bytes of the data as loaded + 4 bytes * values in a batch of images * WIDTH)

A guess may be wrong, and other programs may take memory meanwhile: a cell that lacks it is tried again, alone.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from assay.data import Images, Task
from assay.plan import Cell, TrainCell, TransferCell

MIB = 2**20
PROCESS = 450 * MIB  # Python with torch and what it imports, as measured on Linux
COPIES = 4  # of the data and of a batch's activations: as loaded, as floats, with gradients, between
WIDTH = 64  # values inside a network for each of an image's, about
BATCH = 500  # images at least that are looked at together, to evaluate and to validate
SHARE = 0.9  # of what is available: the rest is for the driver, and for what grows meanwhile

Kind = tuple[str, object, int, int]


def kind_of(cell: Cell) -> Kind:
    """What sets a cell's memory apart: stage, architecture, batch and the number of networks."""
    networks = cell.recipe.member.networks if isinstance(cell, TrainCell) else cell.recipe.networks
    many = len(cell.recipes) if isinstance(cell, TransferCell) else networks
    return cell.stage, cell.recipe.architecture, cell.recipe.last.train.batch_size, many


@dataclass(kw_only=True)
class Memory:
    """What cells take, and what there is for them.

    Attributes:
        task: the data.
        budget: bytes for all cells that run at once, each with its process; None where the system does not tell, and on
            Ray, which compares what a cell takes with what each node has.
        earlier: by kind, what an earlier run has measured, in bytes.
        peaks: by kind, the largest that this run has measured, in bytes.
    """

    task: Task
    budget: float | None
    earlier: dict[Kind, float] = field(default_factory=dict)
    peaks: dict[Kind, float] = field(default_factory=dict)

    def note(self, cell: Cell, megabytes: float) -> None:
        """Learn from the recorded peak of a finished cell."""
        kind = kind_of(cell)
        self.peaks[kind] = max(self.peaks.get(kind, 0.0), megabytes * MIB)

    def know(self, cell: Cell, megabytes: float) -> None:
        """Learn from the recorded peak of a cell of an earlier run."""
        self.earlier[kind_of(cell)] = megabytes * MIB

    def peak(self, cell: Cell) -> float:
        """About how many bytes the cell's process will take at most."""
        kind = kind_of(cell)
        known = self.peaks.get(kind, self.earlier.get(kind))
        if known is not None:
            return known
        values = self.task.test.x[0].numel() * max(cell.recipe.last.train.batch_size, BATCH) * WIDTH
        return PROCESS + COPIES * (_size(self.task) + 4 * values)

    def fits(self, cell: Cell, running: Iterable[Cell]) -> bool:
        """Whether the cell fits beside those that run."""
        return self.budget is None or self.peak(cell) + sum(map(self.peak, running)) <= self.budget


def _size(task: Task) -> int:
    """Bytes of all images."""
    single = (task.train, task.validation, task.test, task.inside)
    sets = [*(images for images in single if images is not None), *task.outliers.values(), *task.exposure.values()]
    return sum(_bytes(images) for images in {id(images): images for images in sets}.values())


def _bytes(images: Images) -> int:
    return images.x.numel() * images.x.element_size()


def lacks_memory(error: BaseException) -> bool:
    """Whether the error says that there was not enough memory, of the machine or of its GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "bad_alloc")
    return isinstance(error, RuntimeError | OSError) and any(text in str(error) for text in words)


def available(root: Path = Path("/")) -> float | None:
    """Bytes that new processes can take now: the least of what the system has and its control groups leave us.

    Args:
        root: of the file system; another one for tests.
    """
    known = [size for size in (_of_system(root), *_of_groups(root)) if size is not None]
    return min(known) if known else None


def _of_system(root: Path) -> float | None:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        pass  # no Linux: its free pages, which leave out what caches would give back
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _of_groups(root: Path) -> Iterable[float | None]:
    """What each control group that we are in leaves, version 2 or 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            base = root / "sys/fs/cgroup/memory"
        else:
            continue
        own = base / path.lstrip("/")
        yield from (_left(folder, *names) for folder in (own, *own.parents) if folder.is_relative_to(base))


def _left(folder: Path, limit: str, usage: str, cache: str) -> float | None:
    """The limit less what is used; files that were read and can be forgotten do not count as used."""
    try:
        most, used = int((folder / limit).read_text()), int((folder / usage).read_text())  # "max" is no number
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return float(max(most - used + int(stat.get(cache, 0)), 0))
