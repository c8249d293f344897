"""Pure: when a technician may be given a room."""

from collections.abc import Callable

from server.refusal import Refusal


def check_offer(*, connected: bool, rooms: int, rooms_max: int, take: Callable[[], float]) -> None:
    """Raises Refusal: the agent is away, or too much was asked already. `take`: uses up a permit, or says how long
    to wait; what is refused for another reason uses up none."""
    if not connected:
        raise Refusal(
            409,
            "this device is not connected",
            expected="an agent on its control link",
            hint="Ask the customer to switch the computer on; the device list shows when it was last seen.",
        )
    if rooms >= rooms_max:
        raise Refusal(429, "you have too many sessions open", expected=f"at most {rooms_max}", got=str(rooms))
    if wait_s := take():
        raise Refusal(
            429,
            "too many sessions were asked for",
            hint=f"Try again in {int(wait_s) + 1} s.",
            retry_after_s=int(wait_s) + 1,
        )
