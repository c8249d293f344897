"""Texts that try to become script, markup, a style, an address or a lie in a browser; and the naughty strings."""

import os

from tests.web.naughty import naughty_strings

#: Each would show a dialog, or be seen by the policy, if the page took any part of it for more than text.
SCRIPTS = (
    "<script>alert(1)</script>",
    "<script src=http://127.0.0.1:9/x.js></script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=`x`onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert&#40;1&#41;</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>press</a>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button autofocus>Yes, let them in</button></form>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example'; body{display:none}</style>",
    "<div style=position:fixed;inset:0;background:red>",
    "'\"><script>alert(1)</script>",
    "\" autofocus onfocus=\"alert(1)",
    "' onmouseover='alert(1)' x='",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "${alert(1)}{{7*7}}{%import os%}<%=7*7%>#{7*7}",
    "{{constructor.constructor('alert(1)')()}}",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<button hx-get=//evil.example hx-trigger=load>x</button>",
    "<div hx-on::load='alert(1)'>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u2028<script>alert(1)</script>\u2029",
    "\u202e>tpircs/<)1(trela>tpircs<",
    "\x00<script>alert(1)</script>",
    "\x1b]8;;http://evil.example\x07Yes\x1b]8;;\x07",
    "\ufeff<script>alert(1)</script>",
    "＜script＞alert(1)＜/script＞",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "Yes, let Ada Tech in\n\nNo answer means yes.",
)  # fmt: skip


def soaking() -> bool:
    return os.environ.get("BELLPULL_SOAK") == "1"


def payloads() -> list[str]:
    """All scripts, and of the naughty strings one in eighty; every one, and each by itself, in a soak.

    Otherwise as many go together as a person's name may be long: each of them would still show itself.
    """
    naughty = [text for text in naughty_strings() if text]
    return [*SCRIPTS, *naughty] if soaking() else packed([*SCRIPTS, *naughty[::80]])


def packed(texts: list[str], at_most_chars: int = 120) -> list[str]:
    """Side by side. What cannot be printed stays with its like: a name may not hold it."""
    packs: list[str] = []
    for printable in (True, False):
        pack = ""
        for text in (text for text in texts if text.isprintable() is printable):
            if pack and len(pack) + 1 + len(text) > at_most_chars:
                packs.append(pack)
                pack = ""
            pack = f"{pack} {text}" if pack else text
        packs.append(pack)
    return [pack for pack in packs if pack]
