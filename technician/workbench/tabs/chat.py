"""Chat: words both ways through the sealed channel. Messages come by themselves once the customer has said yes."""

from typing import Any, Final

from protocol.actions.chat import ChatArguments, ChatSayArguments
from protocol.actions.scopes import Scope
from technician.workbench.live import LiveVisit
from technician.workbench.tabs.fields import make, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView

KEY: Final = "chat"


def begin_chat(live: LiveVisit) -> None:
    """Ask for the visit's messages, those to come as well, where the customer allowed it and nobody asks already."""
    listening = any(run.act == "read" and not run.over for run in live.runs.of(KEY))
    if Scope.CHAT in live.scopes and not listening:
        live.act(KEY, "read", "chat", ChatArguments())


def messages_of(live: LiveVisit) -> tuple[list[Any], int]:
    """All of them by number, whichever run brought them; and how many rows were none."""
    items = [item for run in live.runs.of(KEY) for item in run.items]
    rows, broken = rows_of(items, "chat-message")
    return sorted({row.number: row for row in rows}.values(), key=lambda row: row.number), broken


def _news(live: LiveVisit) -> int:
    messages, _ = messages_of(live)
    return sum(message.number > live.read_up_to and message.by != "technician" for message in messages)


def _read(_form: Form) -> ChatArguments:
    return ChatArguments()


def _say(form: Form) -> ChatSayArguments:
    return make(ChatSayArguments, text=text(form, "text"))


def _facts(view: TabView) -> dict[str, Any]:
    messages, broken = messages_of(view.live)
    view.live.read_up_to = max([view.live.read_up_to, *(message.number for message in messages)])
    shown = [
        {
            "author": "You" if message.by == "technician" else message.name or "Customer",
            "at": message.at,
            "text": message.text,
            "mine": message.by == "technician",
            "verified": True,
        }
        for message in messages
    ]
    listening = any(run.act == "read" and not run.over for run in view.live.runs.of(KEY))
    failed = [run for run in view.live.runs.of(KEY, "say") if run.over and run.outcome != "done"]
    return {"messages": shown, "broken": broken, "listening": listening, "failed": failed[:1]}


CHAT: Final = Tab(
    KEY,
    "Chat",
    "chat",
    (
        Act("say", "chat.say", _say, "Send", lists=False, shown=False),
        Act("read", "chat", _read, "Listen", lists=False, shown=False),
    ),
    _facts,
    news=_news,
)
