"""``set-dead-proxy-aside`` (risk 2, reversible): a proxy that is no address, or not there, is commented out.

    http_proxy=http://anna:secret@127.0.0.1:3128/   ─►   #set-aside-by-bellpull http_proxy=http://…

Only the variable of the finding (`proxy:http_proxy`), only in /etc/environment, where the check has read it. What is
shown to people holds the name and the address, never a name or password of the proxy.
"""

from __future__ import annotations

from diagnostics.collectors.proxies import VARIABLES, proxy_of
from diagnostics.remedies.edit_file import Edit, by_edit
from diagnostics.remedies.remedy import Means, NotNeeded
from diagnostics.wording import Language, Words

FOLDER = "etc"
MARK = b"#set-aside-by-bellpull "


def set_aside(content: bytes, variable: str) -> tuple[bytes, tuple[str, ...]] | None:
    """The file with each line that sets `variable` commented out; None when there is none."""
    lines = content.splitlines(keepends=True)
    shown = []
    for number, line in enumerate(lines):
        name, equals, value = line.strip().removeprefix(b"export ").partition(b"=")
        if equals and name.decode("utf-8", "replace").lower() == variable:
            lines[number] = MARK + line
            address = proxy_of(value.decode("utf-8", "replace").strip().strip("\"'")) or "no address"
            shown.append(f"{variable} ({address}) → #{variable}")
    return (b"".join(lines), tuple(shown)) if shown else None


def _change(content: bytes | None, means: Means) -> tuple[bytes, tuple[str, ...]] | None:
    variable = means.subject_of("proxy")
    if variable not in VARIABLES:
        raise NotNeeded("that is no proxy setting")
    return None if content is None else set_aside(content, variable)


REMEDY = by_edit(
    "set-dead-proxy-aside",
    Edit(
        FOLDER,
        find=lambda means, now: "environment",
        change=_change,
        nothing="no such proxy is set there any more",
        from_when={
            Language.ENGLISH: "Programs notice it when they are started after the next sign-in.",
            Language.RUSSIAN: "Программы заметят это, когда запустятся после следующего входа.",
        },
    ),
    Words(
        "Set a dead proxy aside",
        "Programs are told to go over a proxy that is not there. The setting is commented out, so that they go to the "
        "internet directly.",
    ),
    Words(
        "Отключить неработающий прокси",
        "Программам велено ходить через прокси, которого нет. Настройка будет закомментирована, и они будут "
        "подключаться напрямую.",
    ),
    cures=("proxy-setting-broken", "proxy-program-gone"),
    needs=("administrator",),
)
