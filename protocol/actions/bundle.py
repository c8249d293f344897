"""bundle: ask for a log bundle. The customer sees what would be in it, leaves out what they like, says yes or no."""

from typing import Annotated

from pydantic import Field

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.fields import Words
from protocol.strict_json import WireModel


class BundleArguments(WireModel):
    """`reason`: shown to the customer, quoted as the technician's."""

    reason: Annotated[Words, Field(max_length=200)] = ""


BUNDLE = ActionSpec("bundle", Scope.BUNDLE, BundleArguments, "asked for a log bundle, which you see before it is sent")
