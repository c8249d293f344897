"""An item that will never be stored: the agent keeps it as a dead letter and shows the reason."""


class ItemRefused(Exception):
    """`reason`: one sentence for the customer's own screen; no more than 300 characters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason[:300]
