"""One application's own files, services and programs to watch, as a TOML file says it: no code, fixed roots.

    application = "nginx"
    title = "nginx web server"
    log_files = ["/var/log/nginx/error.log"]
    config_files = ["/etc/nginx/nginx.conf"]
    services = ["nginx.service"]
    processes = ["nginx"]
    packages = ["nginx-light"]

Logs lie below /var/log, which this program reads anyway. Settings lie in the folders of `machine/roots.py` and are read
by nobody but a machine that was made for a watch naming exactly them. A name is one name: nothing is expanded. The
names of fields are those of the owner's `vendor-watch` statement.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from diagnostics.machine.roots import SINGLE_NAME_FOLDERS, WATCHABLE_FOLDERS, is_inside, is_readable, is_watchable
from diagnostics.strict_json import StrictJsonError, decode

FILE_MAX_BYTES = 16 * 1024
NAMES_MAX = 64
NAME_MAX_CHARS = 120
#: On one device, of all who may wish for one: each costs a look of its own.
WATCHES_MAX = 32
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_APPLICATION_MAX_CHARS = 40
_PATTERN_SIGNS = frozenset("*?[]{}")
_OWN = Path(__file__).parent


class WrongApplication(Exception):
    """A watch file that is not used, and why."""


@dataclass(frozen=True, slots=True)
class Application:
    """`packages`: whose versions are told; one that is not installed is left out."""

    application: str
    title: str
    log_files: tuple[str, ...] = ()
    config_files: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def without_settings(self) -> Application:
        """What may be watched without anybody's leave: it reads nothing that this program does not read anyway."""
        return replace(self, config_files=())


def settings_of(applications: Iterable[Application]) -> frozenset[str]:
    """The settings that a machine made for these may read."""
    return frozenset(path for each in applications for path in each.config_files)


def parse_application(text: str) -> Application:
    """Raises WrongApplication, with the field that is wrong."""
    if len(text.encode("utf-8", "surrogatepass")) > FILE_MAX_BYTES:
        raise WrongApplication(f"larger than {FILE_MAX_BYTES} bytes")
    try:
        found = decode(Application, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, StrictJsonError, RecursionError) as error:
        raise WrongApplication(str(error)) from None
    check_application(found)
    return found


def check_application(found: Application) -> None:
    """Raises WrongApplication. Called again for what comes out of a store or a signed pack: nobody's signature makes a
    file readable that is outside of the fixed folders."""
    if not (_KEBAB.fullmatch(found.application) and len(found.application) <= _APPLICATION_MAX_CHARS):
        raise WrongApplication(f"application: expected a name like my-application, got {found.application[:40]!r}")
    for field, names in (
        ("title", (found.title,)),
        ("log_files", found.log_files),
        ("config_files", found.config_files),
        ("services", found.services),
        ("processes", found.processes),
        ("packages", found.packages),
    ):
        if len(names) > NAMES_MAX or len(set(names)) != len(names):
            raise WrongApplication(f"{field}: expected at most {NAMES_MAX} names, each once")
        for name in names:
            if not (0 < len(name) <= NAME_MAX_CHARS and name.isprintable() and name == name.strip()):
                raise WrongApplication(f"{field}: expected 1 to {NAME_MAX_CHARS} printable characters, got {name!a}")
    for field, paths in (("log_files", found.log_files), ("config_files", found.config_files)):
        for path in paths:
            if _PATTERN_SIGNS & set(path):
                raise WrongApplication(f"{field}: expected the name of one file, got the pattern {path!a}")
    for path in found.log_files:
        if not (is_readable(path) and is_inside(path, SINGLE_NAME_FOLDERS)):
            raise WrongApplication(f"log_files: expected a file below {SINGLE_NAME_FOLDERS[0]}, got {path!a}")
    for path in found.config_files:
        if not is_watchable(path):
            folders = ", ".join(WATCHABLE_FOLDERS)
            raise WrongApplication(
                f"config_files: expected a .conf file below {folders}, and no keys or passwords, got {path!a}"
            )


def own_applications() -> tuple[str, ...]:
    """Names of the watches that ship."""
    return tuple(sorted(path.stem for path in _OWN.glob("*.toml")))


def text_of(name_or_file: str) -> str:
    """One that ships, by its name, or a file. Raises WrongApplication."""
    path = _OWN / f"{name_or_file}.toml" if name_or_file in own_applications() else Path(name_or_file)
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
        if len(content) > FILE_MAX_BYTES:
            raise WrongApplication(f"{path}: larger than {FILE_MAX_BYTES} bytes")
        return content.decode()
    except OSError as error:
        shipped = ", ".join(own_applications())
        raise WrongApplication(f"{path}: {error.strerror}; there ship {shipped}") from None
    except UnicodeDecodeError:
        raise WrongApplication(f"{path}: this is no UTF-8 text") from None


def load_application(name_or_file: str) -> Application:
    """As `text_of`, parsed."""
    return parse_application(text_of(name_or_file))


# --- in a signed pack ------------------------------------------------------------------------------------------------

#: A watch travels in a pack of known issues as one more text, under this and its application's name.
PACKED_AS = "watch-"


def packed_id(application: Application) -> str:
    return f"{PACKED_AS}{application.application}"


def watch_in(text: str) -> Application | None:
    """A text of a pack as a watch; None when it is something else. Raises WrongApplication for one that is wrong."""
    if len(text.encode("utf-8", "surrogatepass")) > 4 * FILE_MAX_BYTES:
        return None  # no watch is so long: whoever reads known issues judges it
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    return parse_application(text) if "application" in table else None


def packed_applications(packed: Iterable[tuple[str, str]]) -> tuple[tuple[Application, ...], tuple[str, ...]]:
    """The watches among the texts of a pack, (id, text), and why others are not used. Of a pack that holds more than
    WATCHES_MAX the first by name count."""
    found: list[Application] = []
    unused: list[str] = []
    for issue_id, text in sorted(packed):
        if not issue_id.startswith(PACKED_AS):
            continue
        try:
            application = watch_in(text)
        except WrongApplication as error:
            unused.append(f"{issue_id}: {error}"[:300])
            continue
        if application is None:
            continue  # a known issue or a stop that happens to be called so
        if packed_id(application) != issue_id:
            unused.append(f"{issue_id}: it calls itself {application.application}"[:300])
        elif len(found) >= WATCHES_MAX:
            unused.append(f"{issue_id}: a pack holds at most {WATCHES_MAX} watches")
        else:
            found.append(application)
    return tuple(found), tuple(unused)
