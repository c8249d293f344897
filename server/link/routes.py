"""/link: an agent's WebSocket."""

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from server.asking import office_of
from server.link.conversation import Conversation


async def link(websocket: WebSocket) -> None:
    await Conversation(office_of(websocket), websocket).hold()


routes = [WebSocketRoute("/link", link)]
