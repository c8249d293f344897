"""How the server says no: what happened, what was expected, what came, what to do, and the HTTP status for it."""

from protocol.errors import ProtocolError
from protocol.messages.api import ErrorFacts, ErrorReply


class Refusal(Exception):
    """A request that is refused. `retry_after_s`: set where coming back later helps."""

    def __init__(
        self, status: int, what: str, *, expected: str = "", got: str = "", hint: str = "", retry_after_s: int = 0
    ) -> None:
        super().__init__(what)
        self.status = status
        self.retry_after_s = retry_after_s
        self.facts = ErrorFacts(what=what, expected=expected, got=got, hint=hint)

    @classmethod
    def of(cls, error: ProtocolError, status: int = 400) -> "Refusal":
        """The refusal of what breaks the protocol, or does not verify."""
        return cls(status, error.what, expected=error.expected, got=error.got, hint=error.hint)

    @property
    def reply(self) -> ErrorReply:
        return ErrorReply(error=self.facts)


def not_found(what: str) -> Refusal:
    """Absent, or of a customer who is not the asker's: both look the same from outside."""
    return Refusal(404, f"there is no such {what}", hint="It does not exist, or it belongs to another customer.")
