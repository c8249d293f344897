"""Events and answers as Windows is documented to give them, for the tests of its readers."""

import json
from datetime import UTC, datetime

from diagnostics.collectors.windows.events import Event, parse_plain_events
from diagnostics.collectors.windows.gathered import Gathered, parse_gathered

NOW = 1_795_000_000
DENIED = {"category": "PermissionDenied", "id": "HRESULT 0x80041003,GetCimInstanceCommand"}


def event(
    provider: str, number: int, at_unix_s: int, *plain: str, level: int = 2, binary: str = "", **named: str
) -> Event:
    """One event, through the real parser."""
    time = datetime.fromtimestamp(at_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
    data = "".join(f"<Data>{value}</Data>" for value in plain)
    data += "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in named.items())
    if binary:
        data += f"<Binary>{(binary + chr(0)).encode('utf-16-le').hex().upper()}</Binary>"
    xml = (
        f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>"
        f"<EventID Qualifiers='0'>{number}</EventID><Level>{level}</Level><TimeCreated SystemTime='{time}'/>"
        f"<Channel>System</Channel></System><EventData>{data}</EventData></Event>"
    )
    (told,) = parse_plain_events(xml.encode())
    return told


def gathered(**parts: object) -> Gathered:
    """Parts of a script's answer; one that is DENIED was refused."""
    told: dict[str, object] = {}
    for name, value in parts.items():
        told[name] = None if value is DENIED else value
        if value is DENIED:
            told[f"{name}.error"] = DENIED
    return parse_gathered(json.dumps(told).encode())
