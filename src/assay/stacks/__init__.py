"""Stacks: many small networks of one architecture, trained as one program."""

from assay.stacks.networks import Stack
from assay.stacks.training import fit_stack
from assay.stacks.which import family, stackable, why_alone

__all__ = ["Stack", "family", "fit_stack", "stackable", "why_alone"]
