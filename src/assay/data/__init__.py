"""Data: images, where they come from, and how they are split."""

from assay.data.checks import status, verify
from assay.data.downloads import fetch
from assay.data.generated import generated
from assay.data.images import Images
from assay.data.kinds import kind_of
from assay.data.mnist_c import load_mnist_c
from assay.data.one_class import one_class
from assay.data.sources import load
from assay.data.splits import sample, split
from assay.data.task import Task, load_task

__all__ = [
    "Images",
    "Task",
    "fetch",
    "generated",
    "kind_of",
    "load",
    "load_mnist_c",
    "load_task",
    "one_class",
    "sample",
    "split",
    "status",
    "verify",
]
