"""Sizes and times of the local socket."""

from typing import Final

# The longest request carries a customer's words (4 000 characters) and a list of unticked files.
REQUEST_MAX_BYTES: Final = 256 * 1024
# The longest answer is a bundle's preview or a receipt file.
ANSWER_MAX_BYTES: Final = 32 * 1024 * 1024
# A peer that says nothing does not hold a place.
IDLE_TIMEOUT_S: Final = 120.0
CONNECTIONS_MAX: Final = 32
