"""assay: how safe is an image classifier, on every axis at once, and what does each technique cost elsewhere?"""

from importlib.metadata import version

__version__ = version("assay")
