"""Where cells on a cluster leave what they report, until the driver fetches it; a small process, without torch."""

from typing import Any


class Post:
    """An actor of Ray, beside the driver."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.items: list[Any] = []

    def put(self, item: Any) -> None:
        """Leave something."""
        self.items.append(item)

    def fetch(self) -> list[Any]:
        """All that was left since the last time, in its order."""
        items, self.items = self.items, []
        return items
