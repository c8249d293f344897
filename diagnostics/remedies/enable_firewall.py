"""``enable-firewall`` (risk 2, reversible): ufw, where it is installed, is switched on with the rules it has.

Its default refuses what comes in and lets out what goes out; the agent only ever goes out. Who works on this machine
from elsewhere by other means (ssh) is cut off unless a rule allows it: so it asks.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

# ufw's words, then those of macOS' socketfilterfw.
OFF, ON = ("Status: inactive", "Firewall is disabled"), ("Status: active", "Firewall is enabled")

REMEDY = by_program(
    "enable-firewall",
    Act(
        do="firewall-on",
        undo="firewall-off",
        read="firewall-state",
        ill=lambda state: state.startswith(OFF),
        well=lambda state: state.startswith(ON),
        nothing="the firewall is on already",
    ),
    Risk.ASKS,
    Words(
        "Switch the firewall on",
        "Others in the network cannot reach this computer's services any more, except what "
        "its rules allow. Remote sign-ins (ssh) are cut off too.",
    ),
    Words(
        "Включить брандмауэр",
        "Другие в сети больше не смогут подключаться к службам этого компьютера, "
        "кроме разрешённых правилами. Удалённый вход (ssh) тоже закроется.",
    ),
    cures=("firewall-off",),
    rests_s=3600,
    runs_a_day=3,
    needs=("administrator",),
)
