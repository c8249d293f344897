"""Every message a server can send, said by one that means harm: nothing of consent, policy, schedule or trust moves."""
from pathlib import Path

from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import enrolled
from tests.making import Organisation


async def test_it_runs(tmp_path: Path, evil: EvilServer, organisation: Organisation) -> None:
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        ticket = machine.ask_for_help()
        await evil.until(lambda: len(evil.lines[-1].said) > 2)
        print(evil.line.said)
        await machine.quiet()
        a = machine.state()
        assert a.differs_from(machine.state()) == []
        print(a.memory)
