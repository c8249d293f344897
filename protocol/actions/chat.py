"""chat: the messages of this visit, and new ones as they come, until cancelled. chat.say: one from the technician.

Each message of the technician is an action of its own, so it is signed by them and has its place in the receipt; what
the customer writes comes through the sealed channel alone.
"""

from typing import Annotated

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.fields import Words
from protocol.strict_json import WireModel

CHAT_MAX_CHARS = 2000


class ChatArguments(WireModel):
    """Nothing to say."""


class ChatSayArguments(WireModel):
    text: Annotated[Words, Field(min_length=1, max_length=CHAT_MAX_CHARS)]


CHAT = ActionSpec("chat", Scope.CHAT, ChatArguments, "talked with you here", lasting=True)
CHAT_SAY = ActionSpec("chat.say", Scope.CHAT, ChatSayArguments, "wrote you a message")
