"""Keeping a store: what is in it, whether it is sound, what nobody needs any more, and joining it with another."""

from assay.upkeep.collecting import Garbage, collect, find_garbage
from assay.upkeep.listing import Listing, StudyCount, list_store
from assay.upkeep.merging import Merged, merge
from assay.upkeep.verifying import Damage, Verdict, repair, verify

__all__ = [
    "Damage",
    "Garbage",
    "Listing",
    "Merged",
    "StudyCount",
    "Verdict",
    "collect",
    "find_garbage",
    "list_store",
    "merge",
    "repair",
    "verify",
]
