"""The past of a machine in a folder: numbers in `history.jsonl`, snapshots and changes in `changes.json`, log messages
in `templates.json`.

Recorded machines bring such files, `python -m diagnostics --state FOLDER` keeps its own. Written whole and swapped in
by rename, so that a look that is cut off leaves the old past. One look at a time: nothing locks the folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from diagnostics.changes.store import MemoryChanges, dump_changes, load_changes
from diagnostics.examine import Examination
from diagnostics.history import MemoryHistory, Point, dump_history, load_history
from diagnostics.log_templates import Templates, dump_templates, load_templates

HISTORY_FILE = "history.jsonl"
CHANGES_FILE = "changes.json"
TEMPLATES_FILE = "templates.json"


@dataclass(slots=True)
class Past:
    history: MemoryHistory = field(default_factory=MemoryHistory)
    changes: MemoryChanges = field(default_factory=MemoryChanges)
    templates: Templates = field(default_factory=Templates)

    def take(self, examination: Examination, *, now: int) -> None:
        """Add what one look saw."""
        for metric in examination.metrics:
            self.history.append(metric.name, metric.instance, Point(now, metric.value))
        self.changes.keep(examination.snapshots, examination.changes)
        self.templates = examination.templates or self.templates


def read_past(folder: Path) -> Past:
    """What is there; an empty past where nothing is. Raises ValueError on a file of another form."""
    past = Past()
    lines, changes, templates = folder / HISTORY_FILE, folder / CHANGES_FILE, folder / TEMPLATES_FILE
    return Past(
        load_history(lines.read_text("utf-8").splitlines()) if lines.exists() else past.history,
        load_changes(changes.read_bytes()) if changes.exists() else past.changes,
        load_templates(templates.read_bytes()) if templates.exists() else past.templates,
    )


def write_past(past: Past, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in (
        (HISTORY_FILE, dump_history(past.history.all())),
        (CHANGES_FILE, dump_changes(past.changes)),
        (TEMPLATES_FILE, dump_templates(past.templates)),
    ):
        fresh = folder / f"{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(folder / name)
