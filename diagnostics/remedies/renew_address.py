"""``renew-address`` (risk 1): NetworkManager asks for the address of one interface again (`nmcli device reapply`).

The connection stays up while it is asked. Windows: ipconfig /renew; macOS: ipconfig set … DHCP.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "renew-address",
    Act(do="renew-address", subject="interface"),
    Risk.ALONE,
    Words("Ask for a network address again", "The network is asked again for an address of this connection."),
    Words("Запросить сетевой адрес заново", "У сети снова запрашивается адрес для этого подключения."),
    cures=("link-without-address",),
    rests_s=600,
    runs_a_day=6,
)
