"""An organisation's own known issues: read from a folder, every case tried, kept in the books until they are signed.

    FOLDER/*.toml ──► read, try every case, compare with what was packed before ──► books ──► publish signs them

Each file is a known issue (diagnostics/knowledge/issue.py says how one is written), a stop (`id`, `version` and the
reason in `stopped`), or the watch of an application (`watch-NAME.toml`, diagnostics/vendors/application.py). Nothing
of a folder is kept when anything in it is wrong. An id that comes back must not have a lower version than before:
devices would go on with what they have, and nobody would know why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.knowledge.issue import KnownIssue, Mode, WrongIssue
from diagnostics.knowledge.rollout import Stop, failing_case, parse_packed
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.strict_json import StrictJsonError, decode, dump_json, load_json
from diagnostics.vendors.application import Application, packed_id
from protocol.certificates import PackedIssue
from protocol.limits import PACK_STATEMENT_MAX_BYTES
from technician.organisation.records import Records
from technician.problems import Problem

FACT: Final = "known_issues"
# What the statement holds beside the texts, and what JSON adds to them.
_OVERHEAD: Final = 1.2
_FAULTS_SHOWN: Final = 10


@dataclass(frozen=True)
class Packed:
    """One text that is good. `whom`: in words."""

    id: str
    version: int
    cases: int
    whom: str
    toml: str


def kept_texts(records: Records) -> dict[str, str]:
    """The organisation's own texts by id, as the last `org pack` left them."""
    kept = records.fact(FACT)
    if kept is None:
        return {}
    try:
        return decode(dict[str, str], load_json(kept.decode("utf-8")))
    except (StrictJsonError, UnicodeDecodeError) as error:
        raise Problem("the kept known issues cannot be read", got=str(error), hint="Pack the folder again.") from None


def keep_texts(records: Records, packed: tuple[Packed, ...]) -> None:
    records.set_facts(**{FACT: dump_json({each.id: each.toml for each in packed}).encode()})


def read_folder(folder: Path, before: Mapping[str, str]) -> tuple[Packed, ...]:
    """All of a folder, by id. Raises Problem with every fault there is."""
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        raise Problem("there are no known issues to pack", expected=f"*.toml in {folder}", got="none")
    packed: list[Packed] = []
    faults: list[str] = []
    for file in files:
        try:
            packed.append(_read(file, before))
        except (WrongIssue, OSError, ValueError) as error:
            faults.append(f"{file.name}: {error}".replace(f"{file.name}: {file.name}", file.name, 1))
    size = sum(len(each.toml.encode()) for each in packed) * _OVERHEAD
    if size > PACK_STATEMENT_MAX_BYTES:
        faults.append(f"together they are too large: {int(size)} bytes of at most {PACK_STATEMENT_MAX_BYTES}")
    if faults:
        more = f"\n  … and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise Problem(
            f"{len(faults)} of {len(files)} files cannot be packed",
            got="\n  " + "\n  ".join(faults[:_FAULTS_SHOWN]) + more,
        )
    return tuple(packed)


def _read(file: Path, before: Mapping[str, str]) -> Packed:
    text = file.read_text("utf-8")
    found = parse_packed(text, source=file.name)
    if isinstance(found, Application):
        if packed_id(found) != file.stem:
            raise ValueError(f"expected the file name {packed_id(found)}.toml of a watch")
        PackedIssue(id=file.stem, toml=text)
        return Packed(file.stem, 0, 0, watches(found), text)
    if found.id != file.stem:
        raise ValueError(f"expected the id {file.stem!r}, got {found.id!r}")
    PackedIssue(id=found.id, toml=text)  # its id and its length, as devices take them
    if isinstance(found, KnownIssue):
        failing = failing_case(found)
        if failing is not None:
            raise ValueError(f"its own case {failing!r} does not hold")
        strange = sorted(set(found.remedies) - set(REMEDIES))
        if strange:
            raise ValueError(f"there is no remedy {strange[0]!r}")
    if found.id in before:
        was = parse_packed(before[found.id], source="the last pack")
        last = 0 if isinstance(was, Application) else was.version
        if found.version < last:
            raise ValueError(f"version {found.version} is older than {last}, which was packed before")
        if found.version == last and text != before[found.id]:
            raise ValueError(f"version {last} was packed before with another text; give it a new version")
    return Packed(found.id, found.version, 0 if isinstance(found, Stop) else len(found.cases), whom(found), text)


def watches(found: Application) -> str:
    """What a watch does on devices, in words."""
    parts = [
        f"{len(names)} {word}{'' if len(names) == 1 else 's'}"
        for names, word in ((found.log_files, "log"), (found.services, "service"), (found.processes, "program"))
        if names
    ]
    settings = f"; {len(found.config_files)} settings where the owner agrees" if found.config_files else ""
    return f"watched on all devices: {', '.join(parts) or 'nothing'}{settings}"


def whom(found: KnownIssue | Stop) -> str:
    if isinstance(found, Stop):
        return "stopped: nobody hears it"
    share = found.rollout.share_percent
    devices = "all devices" if share == 100 else f"{share} % of the devices"
    return f"on trial, counted on {devices}" if found.rollout.mode is Mode.SHADOW else f"shown on {devices}"


def packed_issues(own: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[PackedIssue, ...]:
    """The program's own texts with the organisation's in their places; one of theirs that a newer program outdates
    is left to the devices, which compare versions themselves."""
    return tuple(PackedIssue(id=issue, toml=text) for issue, text in sorted({**own, **theirs}.items()))
