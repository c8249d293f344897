"""`bellpull demo`: the main job on this machine, played by the programs themselves.

    folder.py     the one directory it lives in, its lock, its removal
    leash.py      what every started program wears: it ends when the demo does
    programs.py   starting and stopping the other programs, and running their commands
    tap.py        a TCP proxy between the server and everybody else: keeps every byte
    wire.py       those bytes as HTTP messages and unmasked WebSocket messages
    canaries.py   words of this machine and of this run that the server must never see
    search.py     looking for them: in the wire, in the server's files, in its database, inside base64
    stage.py      who plays, and what the steps share
    beginning.py  from nothing to a ticket with a bundle
    visit.py      the visit, with the scripted customer
    proofs.py     receipt, audit log, and the search
    play.py       the steps, one after another
    steps.py      how a step is told
    run.py        all of it, and its end
    screen.py     what a person is told to open and to try

It imports neither server nor agent: it starts them as a user would.
"""
