"""The local socket: verbs.py (the catalogue and who may), server.py, peers.py (the kernel's word on who asks),
client.py (for the command line and the page), status.py (one honest picture).
"""
