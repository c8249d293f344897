"""A visit, on the customer's side.

effects.py       what can happen to a visit, and what it can want done (values only)
arrival.py       pure: handshake, certificate, request → who this is and what they ask
device_words.py  pure: the question, the grant, a change of it; signed by the device
actions_in_force.py  pure: opened actions against the grant, input in, rows and bytes back under credit
action_stream.py  pure: one action under way: what waits, what was counted and hashed, when to hold it back
farewell.py      pure: from the last journal entry to the one receipt
steps.py         pure: the whole visit; events in, effects out
grants_store.py  what must survive a crash: the grant, each action's number before it runs, every change
visit.py         the shell of one visit: does what the steps want, in their order
visits.py        all visits: which offers are taken up, what the customer sees, Stop
relay.py         joining a room
own_settings.py  what the owner of the machine allows: folders, the terminal's switch, as whom
host_process.py  the session host seen from the service: start, feed, kill with all its descendants
action_pipe.py   the service's end of one action's own pipe: files, terminals, followed logs pass no other process
host.py, host_loop.py  the session host itself: no keys, no way out; runs what the service has already authorised
action_process.py  one action in its own process: limits, the person, what it may touch, then the doing
confinement.py   what that is: Landlock, one layer for all of the session and one for each action
actions/         the doing, one file an action

A visit may go on after a lost connection; what streams (a file, a terminal, a followed log) ends with the connection.
"""
