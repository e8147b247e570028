"""Corruptions: label-preserving damage to images, (x, generator) -> x."""
