"""Which issues of a pack speak here: replaced, on trial, for a share of the devices, stopped, unusable."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.knowledge.issue import KnownIssue, Mode, WrongIssue, parse_issue
from diagnostics.knowledge.rollout import Stop, in_share, parse_packed, roll_out

DEVICES = [f"device-{number}" for number in range(2000)]


def text(version: int = 1, more: str = "", issue_id: str = "x") -> str:
    return f"""\
id = "{issue_id}"
version = {version}
certainty = "likely"
priority = 50
[title]
en = "T"
ru = "Т"
[explain]
en = "E"
ru = "Е"
[when]
finding = "disk-space-low"
[[cases]]
name = "full"
expect = "fires"
findings = [{{ code = "disk-space-low", instance = "disk:/" }}]
[[cases]]
name = "room"
expect = "quiet"
judged = ["disk-space-low"]
{more}
"""


def stop(version: int) -> str:
    return f'id = "x"\nversion = {version}\nstopped = "it blamed the wrong program"\n'


def own(version: int = 2) -> list[KnownIssue]:
    return [parse_issue(text(version))]


@pytest.mark.parametrize(("theirs", "speaks"), [(1, 2), (2, 2), (3, 3)])
def test_theirs_replaces_ours_unless_ours_is_newer(theirs: int, speaks: int) -> None:
    rolled = roll_out(own(), {"x": text(theirs)}, device="d")
    assert [(issue.id, issue.version) for issue in rolled.shown] == [("x", speaks)]


def test_a_new_issue_comes_beside_ours() -> None:
    rolled = roll_out(own(), {"y": text(issue_id="y")}, device="d")
    assert [issue.id for issue in rolled.shown] == ["x", "y"]


def test_a_shadow_is_evaluated_and_ours_goes_on_speaking() -> None:
    rolled = roll_out(own(), {"x": text(9, '[rollout]\nmode = "shadow"')}, device="d")
    assert [(issue.version, issue.rollout.mode) for issue in rolled.shown] == [(2, Mode.SHOWN)]
    assert [(issue.version, issue.rollout.mode) for issue in rolled.shadow] == [(9, Mode.SHADOW)]


def test_a_device_outside_the_share_keeps_ours() -> None:
    packed = {"x": text(9, "[rollout]\nshare_percent = 10")}
    outside = next(device for device in DEVICES if not in_share("x", device, 10))
    rolled = roll_out(own(), packed, device=outside)
    assert ([issue.version for issue in rolled.shown], rolled.withheld) == ([2], ("x",))
    inside = next(device for device in DEVICES if in_share("x", device, 10))
    assert [issue.version for issue in roll_out(own(), packed, device=inside).shown] == [9]


def test_a_tenth_is_about_a_tenth_and_not_the_same_tenth_for_every_issue() -> None:
    first, second = ({device for device in DEVICES if in_share(issue, device, 10)} for issue in ("a", "b"))
    assert 140 <= len(first) <= 260
    assert len(first & second) < len(first) / 2


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=20), st.text(max_size=20), st.integers(1, 99))
def test_a_larger_share_keeps_the_devices_of_the_smaller(issue: str, device: str, percent: int) -> None:
    assert in_share(issue, device, percent + 1) or not in_share(issue, device, percent)
    assert in_share(issue, device, 100)


def test_the_stop_switch_silences_ours_up_to_its_version() -> None:
    assert roll_out(own(2), {"x": stop(2)}, device="d").shown == ()
    rolled = roll_out(own(3), {"x": stop(2)}, device="d")
    assert ([issue.version for issue in rolled.shown], rolled.stopped) == ([3], ("x",))


def test_what_cannot_be_used_is_named_and_ours_stays() -> None:
    wrong = text(9).replace('expect = "fires"', 'expect = "quiet"', 1)
    packed = {"x": wrong.replace('expect = "quiet"\njudged', 'expect = "fires"\njudged'), "y": text(), "z": "when = ["}
    rolled = roll_out(own(), packed, device="d")
    assert [issue.version for issue in rolled.shown] == [2]
    assert [reason.partition(":")[0] for reason in rolled.unused] == ["x", "y", "z"]
    assert "its own case 'full' does not hold" in rolled.unused[0]
    assert "it calls itself x" in rolled.unused[1]


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        ('id = "x"\nversion = 1\nstopped = ""\n', "expected id, version and the reason"),
        ('id = "x"\nversion = true\nstopped = "a"\n', "expected id, version and the reason"),
        ('id = "x"\nversion = 1\nstopped = "a"\npriority = 5\n', "id, version and stopped only"),
        (text(more="[rollout]\nshare_percent = 0"), "expected 1 to 100, got 0"),
        (text(more='[rollout]\nmode = "loud"'), "rollout.mode: expected one of shown, shadow"),
        (text(more='[[questions]]\nid = "q"\nen = "Q?"\nru = "В?"'), "the question 'q' is not asked"),
        (text().replace('finding = "disk-space-low"', 'ask = "q"\nis = true', 1), "asked and not written"),
        (text().replace('finding = "disk-space-low"', 'ask = "q"\nis = "yes"', 1), "expected true or false"),
    ],
)
def test_a_text_that_does_not_fit_is_refused_with_its_reason(packed: str, message: str) -> None:
    with pytest.raises(WrongIssue, match=message):
        parse_packed(packed, source="x")


def test_a_stop_is_read() -> None:
    assert parse_packed(stop(4), source="x") == Stop("x", 4, "it blamed the wrong program")


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=200))
def test_no_text_of_a_pack_can_break_a_look(packed: str) -> None:
    rolled = roll_out(own(), {"y": packed}, device="d")
    assert [issue.id for issue in rolled.shown] == ["x"]
