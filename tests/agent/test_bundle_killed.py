"""A bundle worker killed at each stage of its life leaves nothing readable: not in the state folder, not in tmp.

One child loads everything once and forks a worker a stage. Each worker runs the real conversation and is killed by
itself at the stage's own line of code; the last one is left alone and shows that the way was walked to its end.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from diagnostics.bundle import new_identity, read_bundle

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills by signal, forks, nameless files")
ROOT = Path(__file__).resolve().parents[2]
STAGES = ("collecting", "redacting", "preview", "content", "sign", "writing", "naming", "whole")
TELLTALE = b"telltale of a customer"

DRIVER = textwrap.dedent(
    """
    import base64, io, json, os, sys
    from pathlib import Path
    from types import SimpleNamespace
    from agent.bundles import planning, worker
    from diagnostics.bundle import write
    from diagnostics.redaction import Redactor
    from diagnostics.strict_json import dump_json, encode
    from agent.bundles.talk import BundleRequest, WriteOrder
    from tests.agent.session.told_machine import ToldMachine

    place, recipient, stages = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    noise = b"".join(b"telltale of a customer, line %d %x\\n" % (n, n * 2654435761) for n in range(20_000))
    machine = ToldMachine({"syslog": noise})
    worker.local_machine = lambda state, watched: machine
    worker.be_idle = lambda: None
    subjects = [item.id for item in planning.evidence_catalogue(0) if item.id not in ("logs", "agent")]

    def die():
        os.kill(os.getpid(), 9)

    def then_die(function, after=1):
        state = [0]
        def called(*arguments, **named):
            state[0] += 1
            result = function(*arguments, **named)
            if state[0] >= after:
                die()
            return result
        return called

    def prepare(stage):
        if stage == "collecting":
            machine.read_tail = then_die(machine.read_tail)
        elif stage == "redacting":
            whole = Redactor.stream
            def stream(self, *arguments, **named):
                for piece in whole(self, *arguments, **named):
                    if b"telltale" in piece:
                        die()
                    yield piece
            Redactor.stream = stream
        elif stage == "writing":
            def written(self, data, plain=write._Counted.write):
                done = plain(self, data)
                self._target.flush()
                if self.bytes > 50_000:
                    die()
                return done
            write._Counted.write = written
        elif stage == "naming":
            os.fsync = then_die(os.fsync)
        elif stage != "whole":
            def say(value, plain=worker._say):
                plain(value)
                if stage in value:
                    die()
            worker._say = say

    for number, stage in enumerate(stages):
        bundle = f"01890a5d-ac96-7745-bcce-b30209{number:06x}"
        request = BundleRequest(bundle, machine.now, "ab" * 32, (), never=tuple(subjects))
        order = WriteOrder(str(place / "state" / f"{stage}.tar.zst.age"), (recipient,), True)
        said = [encode(request), {"show": "logs/files/syslog"}, {"write": encode(order)}]
        said.append({"signature": base64.b64encode(b"signed").decode()})
        child = os.fork()
        if child == 0:
            prepare(stage)
            sys.stdin = SimpleNamespace(buffer=io.BytesIO(b"".join(dump_json(item).encode() + b"\\n" for item in said)))
            heard = io.FileIO(os.open(f"{place}/heard-{stage}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w")
            sys.stdout = SimpleNamespace(buffer=heard)
            try:
                worker.main()
            except SystemExit as ended:
                os._exit(ended.code or 0)
            os._exit(70)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(stage, status, flush=True)
    """
)


def test_a_worker_killed_at_any_stage_leaves_nothing_readable(tmp_path: Path) -> None:
    state, tmp = tmp_path / "state", tmp_path / "tmp"
    state.mkdir()
    tmp.mkdir()
    secret, public = new_identity()
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), public, *STAGES],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    ended = dict(line.split() for line in done.stdout.decode().splitlines())
    assert ended == {**dict.fromkeys(STAGES, "-9"), "whole": "0"}, done.stderr.decode()[-2000:]
    # The worker held the customer's words when it was killed: the service was shown them.
    assert TELLTALE in (tmp_path / "heard-content").read_bytes()
    assert [path for path in tmp.rglob("*") if path.is_file()] == []
    assert [path.name for path in state.iterdir()] == ["whole.tar.zst.age"]
    sealed = (state / "whole.tar.zst.age").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1")
    assert TELLTALE not in sealed
    with (state / "whole.tar.zst.age").open("rb") as stream:
        assert TELLTALE in read_bundle(stream, secret).files["logs/files/syslog"]
