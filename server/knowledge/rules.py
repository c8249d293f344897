"""Pure: what an article is, and who may publish which version.

draft ──► offered for review ──► published by another person than its author ──► withdrawn
  ▲            │                        │
  └── saved ◄──┴── a new version: what is public stays until it is published too
"""

import re
from dataclasses import dataclass
from typing import Final

from server.refusal import Refusal

SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TITLE_MAX_CHARS: Final = 160
BODY_MAX_CHARS: Final = 20_000
WORDS_MAX_CHARS: Final = 2000
ARTICLES_MAX: Final = 5000


@dataclass(frozen=True)
class Text:
    """`words`: error codes, lines of logs and other words that people search by; never shown."""

    title_en: str
    body_en: str
    title_ru: str = ""
    body_ru: str = ""
    words: str = ""

    def checked(self) -> "Text":
        """Refuses what is no article. Russian may lack, and then lacks as a whole."""
        for holds, what, expected in (
            (0 < len(self.title_en) <= TITLE_MAX_CHARS, "an article has an English title", f"1 to {TITLE_MAX_CHARS}"),
            (0 < len(self.body_en) <= BODY_MAX_CHARS, "an article has an English text", f"1 to {BODY_MAX_CHARS}"),
            (len(self.title_ru) <= TITLE_MAX_CHARS, "the Russian title is too long", f"at most {TITLE_MAX_CHARS}"),
            (len(self.body_ru) <= BODY_MAX_CHARS, "the Russian text is too long", f"at most {BODY_MAX_CHARS}"),
            (len(self.words) <= WORDS_MAX_CHARS, "these are too many search words", f"at most {WORDS_MAX_CHARS}"),
        ):
            if not holds:
                raise Refusal(422, what, expected=f"{expected} characters")
        if bool(self.title_ru) is not bool(self.body_ru):
            raise Refusal(422, "the Russian article is half there", expected="its title and its text, or neither")
        return self


def may_publish(*, author: str, by: str) -> None:
    if author == by:
        raise Refusal(
            403, "nobody publishes their own words", hint="Somebody else of the desk reads them, and publishes them."
        )
