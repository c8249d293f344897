"""What only the owner of a machine signs."""

import pytest

from protocol.actions.scopes import Scope
from protocol.errors import RemoteProtocolError
from protocol.owner import UnattendedPolicy, VendorWatch
from protocol.statements import verify
from tests.making import DAY, NOW, signing_key
from tests.protocol.visits import DEVICE_ID, ORG

OWNER = signing_key("owner")
POLICY = UnattendedPolicy(
    device=DEVICE_ID,
    root=ORG.root_hash,
    version=1,
    issued_at=NOW,
    not_after=NOW + DAY,
    serials=(),
    minimum_tier=2,
    scopes=(Scope.DIAGNOSE,),
    minutes=30,
    from_minute_utc=60,
    to_minute_utc=240,
)
WATCH = VendorWatch(
    device=DEVICE_ID,
    version=1,
    issued_at=NOW,
    application="nginx",
    title="nginx",
    log_files=("/var/log/nginx/error.log",),
    config_files=("C:\\nginx\\nginx.conf",),
    services=("nginx",),
    processes=("nginx",),
)


def test_the_owners_documents_verify_under_the_owners_key_only() -> None:
    assert verify(OWNER.sign(POLICY), UnattendedPolicy, OWNER.verify_key).body == POLICY
    assert verify(OWNER.sign(WATCH), VendorWatch, OWNER.verify_key).body == WATCH
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify(OWNER.sign(POLICY), UnattendedPolicy, ORG.content.verify_key)


def test_unattended_never_means_a_terminal() -> None:
    bent = OWNER.sign(POLICY.model_copy(update={"scopes": (Scope.TERMINAL,)}))
    with pytest.raises(RemoteProtocolError, match="never allows risk 3"):
        verify(bent, UnattendedPolicy, OWNER.verify_key)


@pytest.mark.parametrize("path", ["relative/path", "/var/log/../../etc/shadow", "C:\\logs\\..\\x", "/a\nb"])
def test_watched_paths_stay_where_they_say(path: str) -> None:
    bent = OWNER.sign(WATCH.model_copy(update={"log_files": (path,)}))
    with pytest.raises(RemoteProtocolError):
        verify(bent, VendorWatch, OWNER.verify_key)
