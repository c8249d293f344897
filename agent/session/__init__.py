"""A visit, on the customer's side.

effects.py       what can happen to a visit, and what it can want done (values only)
arrival.py       pure: handshake, certificate, request → who this is and what they ask
actions_in_force.py  pure: opened actions against the grant, rows back under credit
steps.py         pure: the whole visit; events in, effects out
grants_store.py  what must survive a crash: the grant, each action's number before it runs, every change
visits.py        the shell: relay socket, database, customer, session host; does what the steps want, in order
relay.py         joining a room
host_process.py  the session host seen from the service: start, feed, kill with all its descendants
host.py          the session host itself: no keys, no sockets; runs what the service has already authorised
actions/         the doing, one file an action
"""
