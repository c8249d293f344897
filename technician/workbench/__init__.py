"""The technician's own web pages on loopback: inbox, ticket with opened evidence, one live session, receipts.

app.py         routes, doors and headers
desk.py        the technician at the server, kept signed in; what every page needs
inbox.py       tickets and devices
ticket.py      one ticket: facts, evidence, messages, asking for a visit
live.py        the one visit under way, as state that pages read
visit.py       the pages of that visit
receipts.py    kept receipts
serve.py       a socket on 127.0.0.1 and the address to open
"""
