"""The subjects, in the order in which they run. Adding one: its file with `run(quick)`, and its line here."""

from types import MappingProxyType
from typing import Final

#: name → the module that measures it, and what it is about.
SUBJECTS: Final = MappingProxyType(
    {
        "health_cycle": "the checks, as a whole program from its start to its end",
        "redaction": "megabytes a second through the redactor",
        "bundle": "evidence of this machine, collected, redacted, packed and sealed",
        "agent_idle": "memory and processor of a connected agent that has nothing to do",
        "consent_to_first_result": "from the customer's yes to the technician's first row",
        "reconnect": "a thousand agents cut at once and back, a visit that goes on, and what an agent costs the server",
        "relay": "messages through the relay, beside MeshCentral's",
        "streams": "a file down and up, and a key typed into a terminal, over the whole way",
        "fleet_pages": "the console's list of ten thousand devices, searched and filtered",
        "forecasts": "warnings of full disks and leaks on made series with a known truth, beside a straight line",
        "stop": "from the customer's Stop until nothing of the visit is left",
    }
)
