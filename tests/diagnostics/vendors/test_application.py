"""What a watch may name: logs below /var/log and settings of the list, in a file without code."""

import pytest

from diagnostics.vendors.application import (
    Application,
    WrongApplication,
    load_application,
    own_applications,
    parse_application,
)

GOOD = 'application = "my-app"\ntitle = "My application"\n'


def test_two_real_watches_ship_and_parse() -> None:
    assert own_applications() == ("nginx", "postgresql")
    for name in own_applications():
        found = load_application(name)
        assert found.application == name
        assert found.log_files
        assert found.config_files
        assert found.services
        assert found.processes


def test_a_file_of_ones_own_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + 'processes = ["myappd"]\n')
    assert load_application(str(path)) == Application("my-app", "My application", processes=("myappd",))


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('log_files = ["/etc/shadow"]', "log_files: expected a file below /var/log"),
        ('log_files = ["/var/log/../../etc/shadow"]', "log_files"),
        ('log_files = ["/home/anna/.bash_history"]', "log_files"),
        ('log_files = ["/var/log"]\nlog_files = []', "overwrite"),
        ('config_files = ["/etc/shadow"]', "config_files: expected a file that this program may read"),
        ('config_files = ["/etc/nginx/ssl/server.key"]', "config_files"),
        ('config_files = ["/etc/wireguard/wg0.conf"]', "config_files"),
        ('config_files = ["/etc/nginx/../wireguard/wg0.conf"]', "config_files"),
        ('services = ["two\\nlines"]', "services: expected 1 to 120 printable"),
        ('processes = [""]', "processes"),
        ('processes = ["a", "a"]', "each once"),
        ('command = "rm"', "command"),
        ("services = 7", "services"),
    ],
)
def test_what_a_watch_may_not_name_is_refused_by_its_field(more: str, fault: str) -> None:
    with pytest.raises(WrongApplication, match=fault):
        parse_application(GOOD + more + "\n")


@pytest.mark.parametrize("text", ["", "not toml", 'application = "UPPER"\ntitle = "x"', 'application = "a"'])
def test_a_watch_without_a_name_and_title_is_none(text: str) -> None:
    with pytest.raises(WrongApplication):
        parse_application(text)


def test_a_watch_that_is_not_there_names_those_that_ship() -> None:
    with pytest.raises(WrongApplication, match="there ship nginx, postgresql"):
        load_application("apache")
