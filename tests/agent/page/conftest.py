"""The customer's page and the approval page against the service's real socket, behind their real doors."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from agent.app import Agent
from agent.consent.abuse_verbs import AbuseVerbs
from agent.consent.approval_page import ApprovalPage
from agent.event_log import StructuredLog
from agent.local.server import LocalServer
from agent.local.verbs import Catalogue
from agent.page.serve import build
from agent.proofs.verbs import ReceiptVerbs
from agent.session.verbs import SessionVerbs
from tests.agent.desk_log import MemoryLogServer
from tests.agent.session.test_unattended_visits import policy_verbs
from tests.agent.visit_rig import Rig
from tests.running import PLAIN
from web.loopback import HostAndOrigin, LaunchToken
from web.security import SecurityHeaders

ORIGIN = "http://bell-0123456789abcdef.localhost:4711"
SESSION = "session-of-these-tests"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Short path: a socket's name holds 103 bytes."""
    return Rig(tmp_path / "s", desk=MemoryLogServer())


@pytest.fixture
async def service(rig: Rig) -> AsyncIterator[Rig]:
    """The rig with its socket open: the whole agent's verbs, with the rig's own visits, questions and receipts."""
    from agent.consent.verbs import ConsentVerbs

    agent = Agent(rig.folder, StructuredLog(None))
    catalogue = Catalogue()
    own = (
        *ConsentVerbs(rig.gate, rig.clocks).verbs(),
        *SessionVerbs(rig.visits).verbs(),
        *ReceiptVerbs(rig.receipts, rig.books.journal).verbs(),
        *AbuseVerbs(
            rig.freeze, rig.gate, rig.visits, rig.tickets, rig.receipts, rig.books.journal, device=rig.identity.device
        ).verbs(),
        *policy_verbs(rig).verbs(),
        *rig.questions.verbs(),
        *rig.chat.verbs(),
    )
    names = {verb.name for verb in own}
    catalogue.add(*own, *(verb for name, verb in agent.ground.catalogue.verbs.items() if name not in names))
    server = LocalServer(rig.folder, catalogue, log=agent.ground.log)
    await server.start()
    yield rig
    rig.visits.stop_all()
    await rig.over()
    await server.stop()
    agent.ground.database.close()
    rig.close()


def behind_doors(app: Starlette, face: str, *, scripts: bool) -> httpx2.AsyncClient:
    door = LaunchToken(app, face=face, port=4711, token="t", session=SESSION)
    served = SecurityHeaders(HostAndOrigin(door, origins={ORIGIN}), scripts=scripts)
    return httpx2.AsyncClient(
        verify=PLAIN,
        transport=httpx2.ASGITransport(app=served),
        base_url=ORIGIN,
        headers={"origin": ORIGIN},
        cookies={f"bellpull-{face}-4711": SESSION},
    )


@pytest.fixture
async def page(service: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    async with behind_doors(build(service.folder.root), "page", scripts=True) as client:
        yield client


@pytest.fixture
async def approval(service: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    async with behind_doors(ApprovalPage(service.folder.root).app(), "approval", scripts=False) as client:
        yield client
