"""The technician's own web pages on loopback: inbox, ticket with opened evidence, one live visit in tabs, receipts.

app.py         routes, doors and headers
desk.py        the technician at the server, kept signed in; what every page needs
inbox.py       tickets and devices
ticket.py      one ticket: facts, evidence, messages, asking for a visit
notes.py       what technicians write to each other on it
bundle.py      a bundle opened in memory; triage.py reads its findings and timeline and searches its files
live.py        the one visit under way, as state that pages read; runs.py is what was asked in it
visit.py       the pages of that visit; tabs/ is what they show, one file a tab
news.py        a WebSocket that says when something changed, and keeps an open list fresh
shells.py      terminals, and the WebSocket of their pages
downloads.py   uploads.py   transfers.py   local_names.py    files that come and go
receipts.py    kept receipts
serve.py       a socket on 127.0.0.1 and the address to open
"""
