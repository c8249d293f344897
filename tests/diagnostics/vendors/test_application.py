"""What a watch may name: logs below /var/log and settings of the list, in a file without code."""

import pytest

from diagnostics.vendors.application import (
    WATCHES_MAX,
    Application,
    WrongApplication,
    load_application,
    own_applications,
    packed_applications,
    parse_application,
    settings_of,
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
        ('log_files = ["/var/log/*/*/*/*"]', "log_files: expected the name of one file, got the pattern"),
        ('log_files = ["/dev/sda"]', "log_files: expected a file below /var/log"),
        ('log_files = ["/proc/self/environ"]', "log_files"),
        ('config_files = ["/etc/shadow"]', "config_files: expected a .conf file below /etc/apache2"),
        ('config_files = ["/etc/fstab"]', "config_files"),
        ('config_files = ["/etc/nginx/**/*.conf"]', "config_files: expected the name of one file, got the pattern"),
        ('config_files = ["/etc/nginx/{a,b}.conf"]', "the pattern"),
        ('config_files = ["/etc/nginx/ssl/server.key.conf"]', "no keys or passwords"),
        ('config_files = ["/etc/nginx/private/site.conf"]', "no keys or passwords"),
        ('config_files = ["/etc/postgresql/15/main/.pgpass.conf"]', "no keys or passwords"),
        ('config_files = ["/etc/opt/desk/db-password.conf"]', "no keys or passwords"),
        ('config_files = ["/etc/nginx/a b.conf"]', "config_files"),
        ('config_files = ["/etc/nginx//nginx.conf"]', "config_files"),
        ('config_files = ["/home/anna/.config/nginx.conf"]', "config_files"),
        ('config_files = ["/etc/nginx/ssl/server.key"]', "config_files"),
        ('config_files = ["/etc/wireguard/wg0.conf"]', "config_files"),
        ('config_files = ["/etc/nginx/../wireguard/wg0.conf"]', "config_files"),
        ('services = ["two\\nlines"]', "services: expected 1 to 120 printable"),
        ('processes = [""]', "processes"),
        ('processes = ["a", "a"]', "each once"),
        ('command = "rm"', "command"),
        ("services = 7", "services"),
        ('packages = ["nginx "]', "packages"),
        ("log_files = [" + ",".join(f'"/var/log/{number}.log"' for number in range(65)) + "]", "at most 64"),
        ('title = "again"', "overwrite"),
        ("[" * 500, "."),
        ("# " + "x" * 17_000, "larger than 16384 bytes"),
    ],
)
def test_what_a_watch_may_not_name_is_refused_by_its_field(more: str, fault: str) -> None:
    with pytest.raises(WrongApplication, match=fault):
        parse_application(GOOD + more + "\n")


@pytest.mark.parametrize("text", ["", "not toml", 'application = "UPPER"\ntitle = "x"', 'application = "a"'])
def test_a_watch_without_a_name_and_title_is_none(text: str) -> None:
    with pytest.raises(WrongApplication):
        parse_application(text)


def test_what_a_pack_holds_of_watches_is_read_and_the_rest_is_left_to_others() -> None:
    texts = {
        "watch-my-app": GOOD,
        "watch-other": GOOD,
        "watch-thief": GOOD.replace("my-app", "thief") + 'config_files = ["/etc/shadow"]\n',
        "watch-the-log": 'id = "watch-the-log"\nversion = 1\n',
        "watch-broken": "not toml",
        "disk-full": GOOD,
    }
    found, unused = packed_applications(texts.items())
    assert [each.application for each in found] == ["my-app"]
    assert [reason.partition(":")[0] for reason in unused] == ["watch-other", "watch-thief"]
    assert "it calls itself my-app" in unused[0]
    assert "/etc/shadow" in unused[1]


def test_a_pack_of_a_thousand_watches_costs_a_device_no_more_than_its_bound() -> None:
    texts = {f"watch-a{number}": GOOD.replace("my-app", f"a{number}") for number in range(WATCHES_MAX + 5)}
    found, unused = packed_applications(texts.items())
    assert (len(found), len(unused)) == (WATCHES_MAX, 5)


def test_what_may_be_watched_without_leave_reads_no_settings() -> None:
    for name in own_applications():
        assert settings_of([load_application(name)])
        assert not settings_of([load_application(name).without_settings()])


def test_a_watch_that_is_not_there_names_those_that_ship() -> None:
    with pytest.raises(WrongApplication, match="there ship nginx, postgresql"):
        load_application("apache")
