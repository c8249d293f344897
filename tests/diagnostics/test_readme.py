"""The README's table of a finding's life is the one in the code."""

from itertools import takewhile
from pathlib import Path

from diagnostics.findings import TRANSITIONS, FindingEvent, FindingState

README = Path(__file__).resolve().parents[2] / "diagnostics" / "README.md"


def test_the_drawn_table_is_the_real_one() -> None:
    lines = README.read_text("utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("| state"))
    rows = [line.strip("| \n") for line in takewhile(lambda line: line.startswith("|"), lines[start:])]
    heads = [head.strip().split(" / ") for head in rows[0].split("|")][1:]
    drawn: dict[FindingState, dict[FindingEvent, FindingState]] = {}
    for row in rows[2:]:
        cells = [cell.strip() for cell in row.split("|")]
        for state in cells[0].split(", "):
            known = TRANSITIONS[FindingState(state)]
            drawn[FindingState(state)] = {
                FindingEvent(event): FindingState(cell)
                for events, cell in zip(heads, cells[1:], strict=True)
                for event in events
                # "wake / unignore" share a column: each state has at most one of the two.
                if cell != "–" and (len(events) == 1 or FindingEvent(event) in known)
            }
    assert drawn == {state: dict(row) for state, row in TRANSITIONS.items()}
