"""What a device's notice means, in words for the technician. Shown, never acted upon: the visit goes by statements."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Kind → sentence; {} is the notice's own text.
_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hand-over-waits": "{} may come now, and the customer is asked about them; until then you stay",
        "hand-over-refused": "{} was not let in; you stay",
        "handed-over": "the customer has let {} in; your part of the visit ends",
    }
)


def meaning_of(kind: str, text: str) -> str:
    """One sentence without its full stop; kind and text as they are where this version knows no better."""
    known = _MEANINGS.get(kind)
    return f"{kind}: {text}" if known is None else known.format(text)
