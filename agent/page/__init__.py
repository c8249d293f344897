"""The customer's page: health in plain words, help, tickets, visits with Stop, receipts. An unprivileged process.

serve.py    the process: a loopback port, a one-use address
shell.py    what every page has: the service behind it, the banner of a live visit, flashes, refusals
health.py   findings and what can be done · wrong.py looked at now, explained, fixed · help.py asking with a preview
            tickets.py the four facts and the words
visits.py   who is here, allow less, Stop, a code to begin a visit · during.py words and second questions in a visit
receipts.py what was done, with the proof files · abuse.py report it, and let nobody in
mend.py     fixes · about.py who sees what

It holds no key and opens no door: everything goes through the service's socket, where the service checks it. Words of
others are shown as text; what came through the server unsigned is marked so and never becomes a link.
"""
