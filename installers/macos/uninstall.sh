#!/bin/sh
# sudo /Library/Bellpull/uninstall.sh            the program goes; keys, receipts and what waits stay
# sudo /Library/Bellpull/uninstall.sh --purge    they go, too; nobody is told: say `bellpull-agent leave` before
set -e
launchctl bootout system/org.bellpull.agent 2>/dev/null || true
person="$(stat -f %u /dev/console)"
launchctl bootout "gui/$person/org.bellpull.helper" 2>/dev/null || true
rm -f /Library/LaunchDaemons/org.bellpull.agent.plist /Library/LaunchAgents/org.bellpull.helper.plist
rm -f /usr/local/bin/bellpull-agent /usr/local/share/man/man1/bellpull-agent.1
rm -rf /Library/Bellpull
pkgutil --forget org.bellpull.agent >/dev/null 2>&1 || true
if [ "${1:-}" = --purge ]; then
    state="/Library/Application Support/bellpull"
    # A link in its place is removed, never followed.
    if [ -L "$state" ]; then rm -f "$state"; else rm -rf "$state/identity" "$state"; fi
fi
