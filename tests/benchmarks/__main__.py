"""`python -m tests.benchmarks [NAME…] [--json] [--quick]`: the promised figures, measured on this machine.

Exit code 0 when every subject ran, whatever the figures; 1 when one could not run; 2 for wrong use. These are no
tests: nothing here fails because a machine is busy. Close other programs before judging, and compare on one machine.
"""

import argparse
import importlib
import json
import signal
import sys
import time
import traceback

from tests.benchmarks.catalogue import SUBJECTS
from tests.benchmarks.contract import NotRun, Row, Run
from tests.benchmarks.machine_facts import machine_facts
from tests.benchmarks.table import as_text, as_value


def main() -> int:
    arguments = _arguments()
    # SIGTERM ends it the way Ctrl-C does: what was started is stopped, what was made is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    facts = machine_facts()
    rows: list[tuple[str, Row]] = []
    not_run: dict[str, str] = {}
    for name in arguments.names or SUBJECTS:
        began = time.monotonic()
        _say(f"{name}: {SUBJECTS[name]} …")
        run: Run = importlib.import_module(f"tests.benchmarks.{name}").run
        try:
            rows += [(name, row) for row in run(arguments.quick)]
        except NotRun as why:
            not_run[name] = str(why)
        except Exception as error:  # noqa: BLE001 - one subject's defect must not hide the others' figures
            traceback.print_exc()
            not_run[name] = f"{type(error).__name__}: {error}"
        _say(f"{name}: {not_run.get(name, 'done')} ({time.monotonic() - began:.0f} s)")
    if arguments.json:
        print(json.dumps(as_value(rows, not_run, facts), ensure_ascii=False, indent=2))
    else:
        print(as_text(rows, facts))
        for name, reason in not_run.items():
            print(f"did not run: {name}: {reason}")
    return 1 if not_run else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="The promised figures, measured on this machine.",
        epilog="subjects:\n" + "\n".join(f"  {name:<24} {about}" for name, about in SUBJECTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="these subjects only (default: all)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: for a look, not for a judgement")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in SUBJECTS]
    if unknown:
        parser.error(f"there is no subject {unknown[0]!r}; there are {', '.join(SUBJECTS)}")
    return arguments


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
