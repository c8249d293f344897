"""One application's own files, services and programs to watch, as a TOML file says it: no code, fixed roots.

    application = "nginx"
    title = "nginx web server"
    log_files = ["/var/log/nginx/error.log"]
    config_files = ["/etc/nginx/nginx.conf"]
    services = ["nginx.service"]
    processes = ["nginx"]

What may be named is what this program reads anyway: logs below /var/log, settings on the list of `machine/roots.py`.
The names of fields are those of the owner's `vendor-watch` statement.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from diagnostics.machine.roots import SINGLE_NAME_FOLDERS, is_inside, is_readable
from diagnostics.strict_json import StrictJsonError, decode

FILE_MAX_BYTES = 64 * 1024
NAMES_MAX = 64
NAME_MAX_CHARS = 120
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OWN = Path(__file__).parent


class WrongApplication(Exception):
    """A watch file that is not used, and why."""


@dataclass(frozen=True, slots=True)
class Application:
    application: str
    title: str
    log_files: tuple[str, ...] = ()
    config_files: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()


def parse_application(text: str) -> Application:
    """Raises WrongApplication, with the field that is wrong."""
    try:
        found = decode(Application, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, StrictJsonError, RecursionError) as error:
        raise WrongApplication(str(error)) from None
    if not _KEBAB.fullmatch(found.application):
        raise WrongApplication(f"application: expected a name like my-application, got {found.application[:40]!r}")
    for field, names in (
        ("title", (found.title,)),
        ("log_files", found.log_files),
        ("config_files", found.config_files),
        ("services", found.services),
        ("processes", found.processes),
    ):
        if len(names) > NAMES_MAX or len(set(names)) != len(names):
            raise WrongApplication(f"{field}: expected at most {NAMES_MAX} names, each once")
        for name in names:
            if not (0 < len(name) <= NAME_MAX_CHARS and name.isprintable()):
                raise WrongApplication(f"{field}: expected 1 to {NAME_MAX_CHARS} printable characters, got {name!a}")
    for path in found.log_files:
        if not (is_readable(path) and is_inside(path, SINGLE_NAME_FOLDERS)):
            raise WrongApplication(f"log_files: expected a file below {SINGLE_NAME_FOLDERS[0]}, got {path!a}")
    for path in found.config_files:
        if not is_readable(path) or is_inside(path, SINGLE_NAME_FOLDERS):
            raise WrongApplication(f"config_files: expected a file that this program may read, got {path!a}")
    return found


def own_applications() -> tuple[str, ...]:
    """Names of the watches that ship."""
    return tuple(sorted(path.stem for path in _OWN.glob("*.toml")))


def load_application(name_or_file: str) -> Application:
    """One that ships, by its name, or a file. Raises WrongApplication."""
    path = _OWN / f"{name_or_file}.toml" if name_or_file in own_applications() else Path(name_or_file)
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
        if len(content) > FILE_MAX_BYTES:
            raise WrongApplication(f"{path}: larger than {FILE_MAX_BYTES} bytes")
        return parse_application(content.decode())
    except OSError as error:
        shipped = ", ".join(own_applications())
        raise WrongApplication(f"{path}: {error.strerror}; there ship {shipped}") from None
    except UnicodeDecodeError:
        raise WrongApplication(f"{path}: this is no UTF-8 text") from None
