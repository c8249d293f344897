"""The console: pages for the desk, its managers and auditors. It shows what the server knows; it opens nothing.

routes.py   all of it      face.py     the frame of every page      words.py    how things are called
home.py     what needs somebody now
tickets.py ticket.py facts_form.py     the list, one ticket, the four facts as a form
visits.py   sessions with each action and its outcome, from the audit log
devices.py plots.py                    the list, one device with its numbers drawn
audit.py proof.py                      entries, the checkpoint with its witnesses, a proof of any entry, step by step

Every text of a device or a customer is made plain and escaped by web's templates. Pages are read without scripts;
htmx keeps lists fresh, uPlot draws, console.js types times in the reader's zone and computes proofs.
Sessions are opened and sealed things are read in the technician's own program: no key of theirs comes here.
"""
