"""remedies.list, .preview, .run, .watch, .undo: prepared fixes, each a transaction with a way back.

list ─► preview {"remedy":"clean-user-cache"} ─► its exact steps and a preview's id
     ─► run {"preview":ID}    from risk 2 on the customer reads these steps and agrees, or nothing happens
     ─► watch {"run":ID}      how it stands: what the check says now, until when it is watched
     ─► undo {"run":ID}       everything back, while it is watched; changes again, so the customer is asked again
"""

from typing import Literal

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec
from protocol.fields import Kebab, Uuid
from protocol.strict_json import WireModel


class RemediesListArguments(WireModel):
    """Nothing to say."""


class RemediesPreviewArguments(WireModel):
    """`finding`: the code of a finding that is raised now, so that its check is looked at again afterwards."""

    remedy: Kebab
    finding: Kebab | Literal[""] = ""


class RemediesRunArguments(WireModel):
    preview: Uuid


class OfRun(WireModel):
    run: Uuid


def _changes(arguments: WireModel) -> int:
    """Which fix it is, only the device knows: begun like every change, it waits for the server's log."""
    return 2


REMEDIES_LIST = ActionSpec(
    "remedies.list", Scope.REMEDY, RemediesListArguments, "looked at the prepared fixes for this computer"
)
REMEDIES_PREVIEW = ActionSpec(
    "remedies.preview", Scope.REMEDY, RemediesPreviewArguments, "looked at what a fix would do, changing nothing"
)
REMEDIES_RUN = ActionSpec(
    "remedies.run", Scope.REMEDY, RemediesRunArguments, "ran a prepared fix", changes=True, argument_risk=_changes
)
REMEDIES_WATCH = ActionSpec("remedies.watch", Scope.REMEDY, OfRun, "looked at how a fix has turned out")
REMEDIES_UNDO = ActionSpec(
    "remedies.undo", Scope.REMEDY, OfRun, "put back what a fix had changed", changes=True, argument_risk=_changes
)
