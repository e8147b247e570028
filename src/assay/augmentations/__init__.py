"""Augmentations: (x, y, generator) -> (x, y), applied to training batches."""
