"""Check 40: a proxy that is no address, or one here whose program is gone."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.proxy import check_proxy
from diagnostics.system_observations import Listeners, Proxies


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("proxy.example.org:3128", []),  # elsewhere: not judged from here
        ("localhost:3128", []),
        ("localhost:8118", ["proxy-program-gone"]),
        ("127.0.0.1:8118", ["proxy-program-gone"]),
        ("[::1]:8118", ["proxy-program-gone"]),
        (None, ["proxy-setting-broken"]),
    ],
)
def test_what_can_be_told_without_sending_anything(
    proxy: str | None, expected: list[str], context: Callable[..., Context]
) -> None:
    outcome = check_proxy(Proxies({"http_proxy": proxy}), Listeners(frozenset({3128})), context())
    assert [finding.code for finding in outcome.findings] == expected


def test_without_the_list_of_listeners_a_local_proxy_is_not_judged(context: Callable[..., Context]) -> None:
    assert check_proxy(Proxies({"http_proxy": "localhost:1"}), None, context()).findings == ()
