"""The headers every page carries, and the middleware that puts them on.

The policy allows what we ship as files and nothing else: no inline script, no inline style, no other origin,
no frame. `require-trusted-types-for` makes the browser refuse a string where HTML or script is due; the one
policy by the name `bellpull` (web/static/bellpull.js) is made for htmx.

What this leaves to others: who may come in (web/loopback.py, and the console's own sign-in), and TLS.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Nothing, then the exceptions. connect-src 'self' includes websockets to the same host and port.
CONTENT_SECURITY_POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "bellpull",
}

# Features a page could ask for and ours never do. Copying to the clipboard and passkeys stay with the origin.
DENIED_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)


def security_headers(*, cache_control: str = "no-store", scripts: bool = True) -> dict[str, str]:
    """The headers of one response, names in lower case.

    `cache_control` is for static files; pages keep `no-store`. `scripts=False` is for surfaces that must run
    no script at all, such as the approval page: script-src and connect-src become 'none' too.
    """
    policy = dict(CONTENT_SECURITY_POLICY)
    if not scripts:
        policy |= {"script-src": "'none'", "connect-src": "'none'", "trusted-types": "'none'"}
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        # Not `no-referrer`: under that, browsers send `Origin: null` with every form of ours, and the doors refuse it.
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "origin-agent-cluster": "?1",
        "permissions-policy": ", ".join(f"{feature}=()" for feature in DENIED_FEATURES),
        "cache-control": cache_control,
    }


class SecurityHeaders:
    """Puts `security_headers()` on every HTTP response; websockets and lifespan pass through untouched.

    Wrap it around the whole application, outside everything, so that error pages carry the headers too:
    `app = SecurityHeaders(Starlette(...))`. An application may choose its own Cache-Control and nothing
    else: the other headers replace whatever the application set.
    """

    def __init__(self, app: ASGIApp, *, scripts: bool = True) -> None:
        self.app = app
        self.headers = security_headers(scripts=scripts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    if name == "cache-control" and name in headers:
                        continue
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, send_with_headers)
