"""Counts in sentences."""


def number_of(number: int, one: str, several: str | None = None) -> str:
    """A number with its noun, such as "1 cell", "1,200 cells"; `several` where it does not end in "s" alone."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
