"""A visit, on the customer's side.

effects.py       what can happen to a visit, and what it can want done (values only)
arrival.py       pure: handshake, certificate, request → who this is and what they ask
device_words.py  pure: the question, the grant, a change of it; signed by the device
actions_in_force.py  pure: opened actions against the grant, rows back under credit
farewell.py      pure: from the last journal entry to the one receipt
steps.py         pure: the whole visit; events in, effects out
grants_store.py  what must survive a crash: the grant, each action's number before it runs, every change
visit.py         the shell of one visit: does what the steps want, in their order
visits.py        all visits: which offers are taken up, what the customer sees, Stop
relay.py         joining a room
host_process.py  the session host seen from the service: start, feed, kill with all its descendants
host.py, host_loop.py  the session host itself: no keys, no sockets; runs what the service has already authorised
actions/         the doing, one file an action

Not in this version: coming back into a visit after a lost connection (successor grants). A technician whose connection
broke asks anew, and the customer answers anew.
"""
