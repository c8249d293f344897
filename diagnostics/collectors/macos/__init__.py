"""What macOS answers, source by source. Each file: the command or file, a sample of what it prints, a pure parser.

Written after Apple's manual pages and the documented output of each command, and proven on machines composed from them:
**nothing here has met a real Mac yet.** The collectors one folder up choose by platform and hand on the same
observations as on Linux; words of launchd, pmset and the unified log are put into ours here and nowhere else.
"""
