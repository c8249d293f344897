"""Running as a service: the text that each system's supervisor needs, made from one place. Pure; nothing is installed.

systemd.py   proven with `systemd-analyze verify` where systemd is there; user mode and machine mode
launchd.py   written from the documentation, not proven on a Mac yet
windows.py   written from the documentation, not proven on Windows yet; the local pipe is missing there
"""
