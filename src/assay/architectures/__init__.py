"""Architectures: descriptions that build classifiers; normalisation lives inside the network."""
