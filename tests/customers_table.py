"""The table in docs/what-a-technician-can-do.md, from the catalogue of scopes and actions.

python -m tests.customers_table        write it into the page
"""

from pathlib import Path
from typing import Final

from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import MEANINGS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "what-a-technician-can-do.md"
BEGIN: Final = "<!-- from the catalogue of scopes and actions: python -m tests.customers_table -->\n"
END: Final = "<!-- end of the catalogue -->\n"
KINDS: Final = ("Looking and talking", "Reading", "Changing", "Full control")


def table() -> str:
    """A row for every scope: what you are asked, what kind it is, and the words you read when it happens."""
    rows = [
        "| You are asked: may the technician … | Kind | While it happens you read: “The technician …” |",
        "|---|---|---|",
    ]
    for scope, meaning in sorted(MEANINGS.items(), key=lambda each: each[1].risk):
        done = "; ".join(spec.sentence for spec in ACTIONS.values() if spec.scope is scope)
        rows.append(f"| {meaning.sentence} (`{scope}`) | {KINDS[meaning.risk]} | {done or '(not in this version)'} |")
    return "\n".join(rows) + "\n"


def filled(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
