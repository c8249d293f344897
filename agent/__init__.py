"""The agent: lives on the customer's machine, watches it, asks for help, and holds the door.

`app.py` puts it together and reads like a table of contents. One service process is the only writer of the one
database; everything heavy (checks, bundles, uploads, sessions, remedies, pages) runs in a child and gives its memory
back, so the idle service stays under 60 MB. What it trusts is decided by protocol.trust and kept by identity/; what
the server says changes nothing but what the customer reads.

Chosen: asyncio in one loop, SQLite with synchronous=FULL, a unix socket with kernel credentials, fixed verbs.
Not chosen: threads, a TCP port, plug-ins, any way for the server to start a check or change a setting.
"""
