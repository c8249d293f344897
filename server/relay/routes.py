"""/relay/{room}: one side of a visit."""

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from server.asking import office_of


async def relay(websocket: WebSocket) -> None:
    await office_of(websocket).relay.serve(websocket)


routes = [WebSocketRoute("/relay/{room}", relay)]
