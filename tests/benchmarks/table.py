"""The rows as text for people, and as JSON for programs."""

from collections.abc import Mapping, Sequence

from tests.benchmarks.contract import Row

_DETAIL_INDENT = "    "


def as_text(rows: Sequence[tuple[str, Row]], facts: Mapping[str, str]) -> str:
    """One line a row, its detail below, then the machine."""
    head = ("subject", "what", "figure", "aim", "to aim", "verdict")
    cells = [(subject, row.what, _figure(row), _aim(row), _ratio(row), row.verdict.value) for subject, row in rows]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    right = (2, 3, 4)

    def line(values: Sequence[str]) -> str:
        padded = [
            value.rjust(width) if column in right else value.ljust(width)
            for column, (value, width) in enumerate(zip(values, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    said = [line(head), line(["-" * width for width in widths])]
    for (_, row), values in zip(rows, cells, strict=True):
        said.append(line(values))
        if row.detail:
            said.append(f"{_DETAIL_INDENT}{row.detail}")
    return "\n".join([*said, "", "machine: " + " · ".join(f"{name} {value}" for name, value in facts.items())])


def as_value(
    rows: Sequence[tuple[str, Row]], not_run: Mapping[str, str], facts: Mapping[str, str]
) -> dict[str, object]:
    return {
        "machine": dict(facts),
        "rows": [
            {
                "subject": subject,
                "what": row.what,
                "figure": row.figure,
                "unit": row.unit,
                "aim": row.aim,
                "better": row.better.value,
                "ratio": row.ratio,
                "verdict": row.verdict.value,
                "detail": row.detail,
            }
            for subject, row in rows
        ],
        "not_run": dict(not_run),
    }


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}" if value < 10 else f"{value:.1f}"


def _figure(row: Row) -> str:
    return "absent" if row.figure is None else f"{_number(row.figure)} {row.unit}"


def _aim(row: Row) -> str:
    if row.aim is None:
        return ""
    return f"{'≤' if row.better.value == 'less' else '≥'} {_number(row.aim)} {row.unit}"


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.2f}"
