"""The kinds of rows of a visit that are no observations (diagnostics/visit_rows.py), as people read them."""

from typing import Final

from diagnostics.machine.change.processes import EndedProcess, HowEnded
from diagnostics.visit_rows import (
    ChangeLine,
    ChatMessage,
    CollectorLine,
    HistoryLine,
    Note,
    ObservationLine,
    RemedyLine,
    RemedyRun,
    RemedyStep,
    SentBundle,
    SeriesLine,
    TextLine,
)
from technician.session.row_kind import Column, RowKind, time_text
from web.figures import duration, size

_HOW: Final = {
    HowEnded.BY_ITSELF: "it ended when asked to",
    HowEnded.KILLED: "it did not listen and was killed",
    HowEnded.STILL_THERE: "killed, and still there: it waits for a device",
}
_SPARKS: Final = "▁▂▃▄▅▆▇█"
#: A terminal's line beside the other columns.
_SPARKS_MAX: Final = 40


def spark_line(values: list[float]) -> str:
    """A plot of one line: the newest value at the right."""
    step = -(-len(values) // _SPARKS_MAX) or 1
    kept = values[(len(values) - 1) % step :: step]
    low, high = min(kept, default=0.0), max(kept, default=0.0)
    top = len(_SPARKS) - 1
    return "".join(_SPARKS[round((value - low) / (high - low) * top) if high > low else 0] for value in kept)


def _text_line(row: TextLine) -> tuple[str, ...]:
    return (time_text(row.at_unix_s), row.text)


def _note(row: Note) -> tuple[str, ...]:
    return (row.text,)


def _ended(row: EndedProcess) -> tuple[str, ...]:
    return (str(row.pid), row.name, row.user, _HOW[row.how])


def _collector(row: CollectorLine) -> tuple[str, ...]:
    return (row.id, row.cost, ", ".join(row.may_contain))


def _observation(row: ObservationLine) -> tuple[str, ...]:
    return (row.field, row.value)


def _change(row: ChangeLine) -> tuple[str, ...]:
    return (row.finding, time_text(row.at_unix_s), row.what)


def _series(row: SeriesLine) -> tuple[str, ...]:
    return (row.metric, row.instance, str(row.points), time_text(row.first_unix_s), f"{row.last:g}")


def _history(row: HistoryLine) -> tuple[str, ...]:
    values = [value for _, value in row.points]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return (row.metric, row.instance, spark_line(values), f"{low:g}", f"{high:g}", f"{values[-1]:g}" if values else "–")


def _remedy(row: RemedyLine) -> tuple[str, ...]:
    back = "can be undone" if row.reversible else "cannot be undone"
    return (row.id, row.title, str(row.risk), duration(row.estimated_s), back, row.not_now or "")


def _step(row: RemedyStep) -> tuple[str, ...]:
    return (str(row.number), row.text, row.preview)


def _run(row: RemedyRun) -> tuple[str, ...]:
    watched = "" if row.watch_until is None else f"watched until {time_text(row.watch_until)}"
    return (row.run, row.remedy, row.outcome or watched or row.next or "", row.detail)


def _chat(row: ChatMessage) -> tuple[str, ...]:
    return (time_text(row.at), f"{row.name} ({row.by})", row.text)


def _bundle(row: SentBundle) -> tuple[str, ...]:
    return (row.id, str(row.files), size(row.bytes), row.ticket)


VISIT_ROWS: Final[tuple[RowKind, ...]] = (
    RowKind(
        "text-line",
        "Lines",
        TextLine,
        (Column("at", "Time (UTC)"), Column("text", "Line", "code")),
        _text_line,
    ),
    RowKind(
        "ended-process",
        "Ended",
        EndedProcess,
        (Column("pid", "PID", "number"), Column("name", "Name"), Column("user", "User"), Column("how", "How")),
        _ended,
    ),
    RowKind(
        "collector",
        "What can be read",
        CollectorLine,
        (
            Column("id", "Name", "code"),
            Column("cost", "Cost"),
            Column("contains", "May hold (replaced before it goes out)"),
        ),
        _collector,
    ),
    RowKind(
        "observation",
        "Observation",
        ObservationLine,
        (Column("field", "Field", "code"), Column("value", "Value", "code")),
        _observation,
    ),
    RowKind(
        "change",
        "Changes before it broke",
        ChangeLine,
        (Column("finding", "Finding", "code"), Column("at", "Time (UTC)"), Column("what", "What changed")),
        _change,
    ),
    RowKind(
        "series",
        "Kept series",
        SeriesLine,
        (
            Column("metric", "Metric", "code"),
            Column("instance", "Of", "code"),
            Column("points", "Points", "number"),
            Column("since", "Since (UTC)"),
            Column("last", "Newest", "number"),
        ),
        _series,
    ),
    RowKind(
        "history",
        "History",
        HistoryLine,
        (
            Column("metric", "Metric", "code"),
            Column("instance", "Of", "code"),
            Column("plot", "Oldest to newest", "code"),
            Column("low", "Least", "number"),
            Column("high", "Most", "number"),
            Column("last", "Newest", "number"),
        ),
        _history,
    ),
    RowKind(
        "remedy",
        "Fixes",
        RemedyLine,
        (
            Column("id", "Name", "code"),
            Column("title", "What it does"),
            Column("risk", "Risk", "number"),
            Column("takes", "Takes"),
            Column("back", "Way back"),
            Column("not_now", "Not now because"),
        ),
        _remedy,
    ),
    RowKind(
        "remedy-step",
        "Exactly these steps",
        RemedyStep,
        (Column("number", "", "number"), Column("text", "Step"), Column("preview", "Preview", "code")),
        _step,
    ),
    RowKind(
        "remedy-run",
        "Runs",
        RemedyRun,
        (
            Column("run", "Run", "code"),
            Column("remedy", "Fix", "code"),
            Column("state", "How it stands"),
            Column("detail", "Detail"),
        ),
        _run,
    ),
    RowKind(
        "chat-message",
        "Messages",
        ChatMessage,
        (Column("at", "Time (UTC)"), Column("name", "From"), Column("text", "Message")),
        _chat,
    ),
    RowKind(
        "bundle",
        "Bundle on its way",
        SentBundle,
        (
            Column("id", "Bundle", "code"),
            Column("files", "Files", "number"),
            Column("size", "Size", "number"),
            Column("ticket", "Ticket", "code"),
        ),
        _bundle,
    ),
    RowKind("note", "Notes", Note, (Column("text", "Note"),), _note),
)
