"""Stacks: many small networks of one architecture, trained as one program, and evaluated with one."""

from assay.stacks.meeting import together
from assay.stacks.networks import Stack
from assay.stacks.training import fit_stack
from assay.stacks.which import evaluation_family, family, stackable, why_alone

__all__ = ["Stack", "evaluation_family", "family", "fit_stack", "stackable", "together", "why_alone"]
