"""Something was wrong: end it, let nobody in, keep what is known. And what was reported, to be taken along or lifted.

The words stay on this computer unless the customer ticks that the organisation may read them; even then nothing but
the words goes. Lifting the freeze is for an administrator of the machine: the service checks who asks.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell, back
from agent.refusal import Refusal


class Abuse:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/visits/abuse", self.show),
            Route("/visits/abuse", self.report, methods=["POST"]),
            Route("/visits/abuse/lift", self.lift, methods=["POST"]),
            Route("/visits/abuse/{number:int}/report.json", self.export),
        ]

    async def show(self, request: Request) -> Response:
        found = await self._shell.ask("abuse-list")
        grant = request.query_params.get("receipt", "")
        about = await self._shell.ask("receipt-file", grant=grant) if grant else None
        return await self._shell.show(request, "abuse.html", here="visits", reports=found["reports"], about=about)

    async def report(self, request: Request) -> Response:
        form = await read_form(request)
        said: dict[str, Any] = {"words": one(form, "words").replace("\r\n", "\n").strip()}
        said["tell_desk"] = one(form, "tell") == "yes" and bool(said["words"])
        if one(form, "receipt"):
            said["grant"] = one(form, "receipt")
        await self._shell.ask("abuse-report", **said)
        return back("/visits/abuse", "frozen")

    async def lift(self, request: Request) -> Response:
        await self._shell.ask("abuse-lift")
        return back("/visits", "lifted")

    async def export(self, request: Request) -> Response:
        number = request.path_params["number"]
        if number > 1 << 53:
            raise Refusal("there is no such report", expected="the number of one", got=str(number)[:40])
        found = await self._shell.ask("abuse-export", number=number)
        return Response(
            found["export"],
            media_type="application/json",
            headers={"content-disposition": f'attachment; filename="abuse-report-{found["number"]}.json"'},
        )
