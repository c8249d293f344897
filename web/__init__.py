"""The look and the doors shared by the three faces: customer's page, technician's workbench, desk console.

A library of its own: it knows HTML, headers and loopback doors, and nothing of devices, tickets or sessions.
`README.md` shows every component by example.
"""
