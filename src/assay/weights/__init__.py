"""Weights: one training that gives several networks, whose softmaxes are averaged."""

from assay.weights.base import Collector, Course, Weights
from assay.weights.snapshots import Snapshots
from assay.weights.swag import SWAG

__all__ = ["SWAG", "Collector", "Course", "Snapshots", "Weights"]
