"""Running as a service: the text that each system's supervisor needs, made from one place. Pure; nothing is installed.

systemd.py   user mode and machine mode; the latter proven on a booted Debian (tests/systemd, soak)
xdg.py       the helper in each person's desktop session (agent/consent/desktop_helper.py)
launchd.py   service and helper, written from the documentation, not proven on a Mac yet
windows.py   names and command lines; windows_service.py the service by pywin32: proven with fakes, not on Windows yet;
             the local pipe is missing there
"""
