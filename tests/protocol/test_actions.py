"""What a session can be asked to do: every line of the catalogue, and what no argument can mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.actions.catalogue import ACTIONS, find_action, parse_arguments
from protocol.actions.files import (
    FILES_LIST,
    FILES_READ,
    FILES_WRITE,
    NAME_MAX_BYTES,
    PATH_MAX_PARTS,
    FilesListArguments,
    FilesReadArguments,
    FilesWriteArguments,
    parts_of,
)
from protocol.actions.logs import mark_of, time_of
from protocol.actions.processes import PROCESSES, ProcessesArguments
from protocol.actions.remedies import REMEDIES_RUN, RemediesRunArguments
from protocol.actions.scopes import MEANINGS
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.messages.codes import spoken
from protocol.strict_json import dump

PREVIEW = "01890a5d-ac96-7745-bcce-b302099a8057"


def test_every_line_is_found_by_its_name_and_says_what_it_does() -> None:
    for name, action in ACTIONS.items():
        assert find_action(name) is action
        assert action.scope in MEANINGS
        assert action.sentence
    with pytest.raises(RemoteProtocolError, match="unknown action"):
        find_action("files.delete")


def test_what_changes_something_is_never_of_a_scope_that_only_looks() -> None:
    for action in ACTIONS.values():
        if action.changes and action.argument_risk is None:
            assert action.risk >= 1, action.name


def test_what_gives_bytes_takes_input_or_lasts_has_a_pipe_of_its_own() -> None:
    assert FILES_READ.streams
    assert FILES_WRITE.streams
    assert not PROCESSES.streams


def test_arguments_may_raise_a_risk_and_never_lower_it() -> None:
    assert PROCESSES.risk_of(ProcessesArguments()) == PROCESSES.risk
    assert REMEDIES_RUN.risk_of(RemediesRunArguments(preview=PREVIEW)) == 2
    assert REMEDIES_RUN.risk == 1


# --- lines of a log ---------------------------------------------------------------------------------------------------


def test_a_line_of_a_file_is_known_by_its_text_and_another_by_all_of_it() -> None:
    first, later = '{"text":"disk full","at_unix_s":10}', '{"text":"disk full","at_unix_s":20}'
    assert mark_of("text-line", first) == mark_of("text-line", later)
    assert mark_of("journal-entry", first) != mark_of("journal-entry", later)


@pytest.mark.parametrize(
    ("body", "at"),
    [('{"at_unix_s":10}', 10), ('{"at_unix_s":-1}', 0), ('{"at_unix_s":"10"}', 0), ("{}", 0), ("[10]", 0), ("{", 0)],
)
def test_a_line_tells_its_time_or_none(body: str, at: int) -> None:
    assert time_of(body) == at
    assert mark_of("text-line", body)


# --- paths ------------------------------------------------------------------------------------------------------------


def test_a_path_is_an_allowed_folder_and_names_below_it() -> None:
    assert parts_of("Documents/invoices/2026.pdf") == ("Documents", "invoices", "2026.pdf")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "Documents//x", "Documents/", "Documents/../x", "..", ".", "Documents/./x", "a/\0b",
        "a/" + "ü" * (NAME_MAX_BYTES // 2 + 1), "/".join("x" * (PATH_MAX_PARTS + 1)),
    ],
)  # fmt: skip
def test_a_path_that_could_mean_something_else_is_refused_wherever_it_is_said(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|name"):
        parts_of(path)
    for action, arguments in (
        (FILES_LIST, FilesListArguments.model_construct(path=path)),
        (FILES_READ, FilesReadArguments.model_construct(path=path)),
        (FILES_WRITE, FilesWriteArguments.model_construct(path=path, size_bytes=1, sha256=sha256(b"x"))),
    ):
        with pytest.raises(RemoteProtocolError):
            parse_arguments(action, dump(arguments))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_whatever_is_accepted_stays_below_an_allowed_folder(path: str) -> None:
    try:
        parts = parts_of(path)
    except ValueError:
        return
    assert "/".join(parts) == path
    assert not {"", ".", ".."} & set(parts)


def test_an_empty_path_asks_which_folders_are_allowed() -> None:
    assert parse_arguments(FILES_LIST, b"{}") == FilesListArguments()


def test_a_download_goes_on_only_with_the_hash_of_what_is_here() -> None:
    whole = FilesReadArguments(path="Documents/a")
    rest = FilesReadArguments(path="Documents/a", offset=5, prefix_sha256=sha256(b"first"))
    assert parse_arguments(FILES_READ, dump(whole)) == whole
    assert parse_arguments(FILES_READ, dump(rest)) == rest
    for half in ({"offset": 5, "prefix_sha256": None}, {"offset": 0, "prefix_sha256": sha256(b"")}):
        with pytest.raises(RemoteProtocolError):
            parse_arguments(FILES_READ, dump(whole.model_copy(update=half)))
    with pytest.raises(RemoteProtocolError):
        parse_arguments(FILES_READ, b'{"path":"Documents/a","offset":5}')


def test_a_code_is_read_out_in_groups_of_three() -> None:
    assert spoken("123456789") == "123 456 789"
