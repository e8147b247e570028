"""The catalogue of studies."""
