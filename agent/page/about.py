"""Who sees what: the published list and the scopes word for word, whom this computer answers to, what waits."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.page.shell import Shell
from protocol.actions.scopes import MEANINGS
from protocol.messages.report import PUBLISHED_LIST


class About:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [Route("/about", self.show)]

    async def show(self, request: Request) -> Response:
        status = await self._shell.ask("status")
        allowed = [(meaning.sentence, meaning.risk) for meaning in MEANINGS.values()]
        watches = await self._shell.ask("watches") if status["enrolled"] else None
        return await self._shell.show(
            request,
            "about.html",
            here="about",
            status=status,
            published=PUBLISHED_LIST,
            allowed=allowed,
            watches=watches,
        )
