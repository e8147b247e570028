"""Which claims have ended beyond doubt."""

from assay.store import Store, abandoned


def ended(store: Store, key: str) -> bool:
    """Whether a claim that we were refused was not renewed for over an hour, so that no clock that is off matters.

    Who has just come cannot tell a claim elsewhere that is renewed from one that is not, except by the clocks.
    """
    return not store.claimed(key) and abandoned(store.place, f"claims/{key}")
