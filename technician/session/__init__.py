"""The technician's end of a visit.

events.py      what can happen, as values
initiator.py   pure: bytes in, events out; handshake, hello, grant, actions, close, receipt
actions.py     pure: the chain of signed actions, and rows and bytes put together from stream data
run.py         one action under way: what it says, input for it, its result
files.py       a file from the device, a file to it: whole or not at all, going on after a cut
closing.py     pure: what is countersigned, and whether a receipt tells what we saw
transcript.py  the technician's own record of a visit, one JSON line an event
visit.py       the shell: relay socket, clocks, checkpoint comparison, files
"""
