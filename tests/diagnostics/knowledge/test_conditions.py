"""Three-valued conditions: what is known decides, what is not names who would tell."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.findings import Change, Finding, Severity
from diagnostics.knowledge.conditions import (
    All,
    AnyOf,
    ChangeLeaf,
    Comparison,
    Condition,
    FactLeaf,
    FindingLeaf,
    Leaf,
    LogLeaf,
    Not,
    Operator,
    PackageLeaf,
    Situation,
    Truth,
    answer,
    combine,
    compare,
    leaves,
)

NOW = 1_795_000_000
T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
A, B = (FactLeaf(Comparison(name, Operator.IS, True)) for name in "ab")


def finding(code: str = "disk-space-low", **facts: bool | int | float | str) -> Finding:
    return Finding(code, "disk:/", Severity.ERROR, "x@1", NOW, NOW, facts=facts)


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (T, T, T, T),
        (T, F, F, T),
        (T, U, U, T),
        (F, F, F, F),
        (F, U, F, U),
        (U, U, U, U),
    ],
)
def test_kleenes_table(one: Truth, other: Truth, both: Truth, either: Truth) -> None:
    for first, second in ((one, other), (other, one)):
        answers: dict[Leaf, Truth] = {A: first, B: second}
        assert combine(All((A, B)), answers) is both
        assert combine(AnyOf((A, B)), answers) is either


def test_not_keeps_unknown() -> None:
    assert [combine(Not(A), {A: truth}) for truth in (T, F, U)] == [F, T, U]


Trees = st.recursive(
    st.sampled_from([A, B]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(Trees)
def test_an_answer_that_is_sure_stays_whatever_the_unknown_turns_out_to_be(tree: Condition) -> None:
    for first in Truth:
        for second in Truth:
            said = combine(tree, {A: first, B: second})
            if said is U:
                continue
            for known_first in (T, F) if first is U else (first,):
                for known_second in (T, F) if second is U else (second,):
                    assert combine(tree, {A: known_first, B: known_second}) is said


@pytest.mark.parametrize(
    ("operator", "value", "got", "truth"),
    [
        (Operator.IS, 1, 1, T),
        (Operator.IS, 1, 1.0, T),
        (Operator.IS, True, 1, F),
        (Operator.IS, "1", 1, F),
        (Operator.IS_NOT, "x", "y", T),
        (Operator.AT_LEAST, 5, 5, T),
        (Operator.AT_LEAST, 5, 4.9, F),
        (Operator.AT_LEAST, 5, "9", F),
        (Operator.AT_LEAST, 5, True, F),
        (Operator.AT_MOST, 5, 5, T),
        (Operator.AT_MOST, 5, 6, F),
        (Operator.ONE_OF, ("a", "b"), "b", T),
        (Operator.ONE_OF, ("a", "b"), "c", F),
        (Operator.CONTAINS, "fire", "firefox", T),
        (Operator.CONTAINS, "f.*x", "firefox", F),
        (Operator.STARTS_WITH, "fire", "firefox", T),
        (Operator.STARTS_WITH, "fox", "firefox", F),
        (Operator.STARTS_WITH, "1", 12, F),
        (Operator.SAME_AS, "other", "/", T),
        (Operator.SAME_AS, "missing", "/", U),
    ],
)
def test_each_operator(operator: Operator, value: object, got: bool | int | float | str, truth: Truth) -> None:
    comparison = Comparison("fact", operator, value)  # type: ignore[arg-type]
    assert compare(comparison, {"fact": got}, {"other": "/"}) is truth


def test_every_operator_has_its_line_above() -> None:
    marks = test_each_operator.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(Operator)


def test_a_missing_fact_names_itself() -> None:
    said = answer(FactLeaf(Comparison("user-cache.bytes", Operator.AT_LEAST, 1)), Situation(NOW))
    assert (said.truth, said.ask) == (U, "user-cache.bytes")


def test_a_missing_finding_is_an_answer_only_when_its_check_looked() -> None:
    leaf = FindingLeaf("disk-space-low")
    assert answer(leaf, Situation(NOW)).truth is U
    assert answer(leaf, Situation(NOW)).ask == "finding:disk-space-low"
    assert answer(leaf, Situation(NOW, judged=frozenset({"disk-space-low"}))).truth is F
    found = answer(leaf, Situation(NOW, findings=(finding(),)))
    assert (found.truth, found.fingerprint) == (T, "disk-space-low|disk:/")


def test_where_holds_for_one_and_the_same_finding() -> None:
    leaf = FindingLeaf(
        "disk-space-low",
        (Comparison("mount", Operator.IS, "/"), Comparison("small", Operator.IS, True)),
    )
    apart = Situation(NOW, findings=(finding(mount="/", small=False), finding(mount="/boot", small=True)))
    assert answer(leaf, apart).truth is F
    together = Situation(NOW, findings=(finding(mount="/boot", small=True), finding(mount="/", small=True)))
    assert answer(leaf, together).truth is T


def test_where_a_fact_of_the_machine_is_missing_the_finding_is_unknown_and_names_it() -> None:
    leaf = FindingLeaf("disk-space-low", (Comparison("mount", Operator.SAME_AS, "user-cache.mount"),))
    said = answer(leaf, Situation(NOW, findings=(finding(mount="/"),)))
    assert (said.truth, said.ask) == (U, "user-cache.mount")


def test_logs_packages_and_changes() -> None:
    situation = Situation(
        NOW,
        logs={"journal": ("cups: No space left on device", "other")},
        packages={"systemd": "252.30-1~deb12u2"},
        changes=(Change(NOW - 1000, "package:linux-image-6.1.0-28"),),
    )
    assert answer(LogLeaf("journal", "No space left"), situation).got == "cups: No space left on device"
    assert answer(LogLeaf("journal", "nothing"), situation).truth is F
    assert answer(LogLeaf("kernel", "x"), situation).ask == "log:kernel"
    assert answer(PackageLeaf("systemd", at_least="252", below="252.39"), situation).truth is T
    assert answer(PackageLeaf("systemd", below="252.30"), situation).truth is F
    assert answer(PackageLeaf("nginx"), situation).got == "nginx is not installed"
    assert answer(PackageLeaf("nginx"), Situation(NOW)).ask == "packages"
    assert answer(ChangeLeaf("package:linux", 2000), situation).truth is T
    assert answer(ChangeLeaf("package:linux", 500), situation).truth is F
    assert answer(ChangeLeaf("package:linux", 500), Situation(NOW)).ask == "changes"


def test_leaves_come_in_the_order_they_are_written() -> None:
    assert leaves(All((Not(A), AnyOf((B, A))))) == (A, B, A)


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (A, "a is True"),
        (FindingLeaf("x", (Comparison("n", Operator.AT_LEAST, 3),)), "finding x with n at least 3"),
        (LogLeaf("journal", "boom"), "journal contains 'boom'"),
        (PackageLeaf("p", "1", "2"), "package p at least 1 and below 2"),
        (PackageLeaf("p"), "package p is installed"),
        (ChangeLeaf("package:p", 60), "package:p changed within 60 s"),
        (FactLeaf(Comparison("a", Operator.ONE_OF, ("x", 2))), "a one of (x, 2)"),
    ],
)
def test_a_leaf_can_be_read(leaf: Leaf, words: str) -> None:
    assert str(leaf) == words
