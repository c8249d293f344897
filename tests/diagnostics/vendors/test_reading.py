"""Settings of applications are read for a watch that is on, and for nobody else; a bundle takes what may be shown."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.collectors.contract import CollectedFile, Skipped
from diagnostics.collectors.evidence import collect_evidence
from diagnostics.machine.interface import Machine, Unreadable, UnreadableKind
from diagnostics.machine.local import local_machine
from diagnostics.machine.read import open_inside
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.machine.roots import Readable, is_listable, is_readable, is_shown, is_watchable
from diagnostics.vendors.application import Application, load_application, settings_of
from diagnostics.vendors.evidence import SUBJECT, application_evidence, logs_of, without_secrets

MACHINE = Path(__file__).parents[2] / "machines" / "laptop-healthy"
CONFIG = "/etc/nginx/nginx.conf"


@pytest.mark.parametrize("path", sorted(settings_of([load_application("nginx"), load_application("postgresql")])))
def test_no_caller_reads_settings_without_a_watch_that_names_them(path: str) -> None:
    assert is_watchable(path)
    assert not is_readable(path)
    assert not is_listable(path)
    assert not Readable()(path)
    assert not Readable([other for other in (CONFIG, "/etc/opt/x.conf") if other != path])(path)
    assert Readable([path])(path)
    for machine in (local_machine(), RecordedMachine(MACHINE)):
        with pytest.raises(Unreadable) as refused:
            machine.read_file(path)
        assert refused.value.kind is UnreadableKind.REFUSED


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/nginx/../shadow", "/etc/nginx/ssl/a.key", "/etc/nginx/*.conf", "/etc/wireguard/w.conf", ""],
)
def test_no_machine_is_made_for_a_watch_that_reaches_further(path: str) -> None:
    for make in (lambda: Readable([path]), lambda: RecordedMachine(MACHINE, [path])):
        with pytest.raises(ValueError, match="no watch may read"):
            make()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /etc/nginx, as open_inside sees it."""
    root = tmp_path / "nginx"
    root.mkdir()
    monkeypatch.setattr(open_inside, "WATCHABLE_FOLDERS", (str(root),))
    return root


def read(path: Path) -> bytes:
    return open_inside.read_file(str(path), 1000, allowed=lambda asked: asked == str(path))


def test_a_link_a_second_name_a_pipe_and_a_folder_in_the_place_of_settings_are_refused(
    settings: Path, tmp_path: Path
) -> None:
    (settings / "nginx.conf").write_bytes(b"worker 1;\n")
    assert read(settings / "nginx.conf") == b"worker 1;\n"
    secret = tmp_path / "shadow"
    secret.write_bytes(b"root:$6$canary\n")
    (settings / "link.conf").symlink_to(secret)
    os.link(secret, settings / "second-name.conf")
    os.mkfifo(settings / "pipe.conf")
    (settings / "folder.conf").mkdir()
    (settings / "inside").symlink_to(tmp_path)
    for name in ("link.conf", "second-name.conf", "pipe.conf", "folder.conf", "inside/shadow"):
        with pytest.raises(Unreadable) as refused:
            read(settings / name)
        assert refused.value.kind is UnreadableKind.REFUSED, name


def test_a_huge_file_of_settings_is_cut(settings: Path) -> None:
    with (settings / "huge.conf").open("wb") as file:
        file.truncate(1 << 40)
    assert len(read(settings / "huge.conf")) == 1000


class WithSettings(RecordedMachine):
    """A recorded machine beside which an application lies."""

    def __init__(self, **files: bytes) -> None:
        super().__init__(MACHINE)
        self.texts = {"/etc/opt/desk/" + name.replace("_conf", ".conf"): text for name, text in files.items()}

    def read_file(self, path: str, *, max_bytes: int = 1 << 23) -> bytes:
        if path.startswith("/etc/opt/"):
            if path not in self.texts:
                raise Unreadable(f"{path} does not exist here")
            return self.texts[path][:max_bytes]
        return super().read_file(path, max_bytes=max_bytes)


DESK = Application(
    "desk",
    "Desk",
    log_files=("/var/log/desk.log",),
    config_files=("/etc/opt/desk/desk.conf", "/etc/opt/desk/pg_hba.conf", "/etc/opt/desk/absent.conf"),
    processes=("systemd",),
    packages=("adduser",),
)


def evidence(machine: Machine, *applications: Application) -> Iterator[CollectedFile | Skipped]:
    return collect_evidence(
        machine,
        now=machine.clock().unix_s,
        only=[SUBJECT, "logs"],
        also=[application_evidence(applications)],
        without_logs=logs_of(applications),
    )


def test_a_bundle_takes_settings_that_may_be_shown_and_tells_how_the_application_stands() -> None:
    machine = WithSettings(desk_conf=b"port = 1\n", pg_hba_conf=b"host all all ldapbindpasswd=canary\n")
    taken = [item for item in evidence(machine, DESK) if item.path.startswith(SUBJECT)]
    assert [item.path for item in taken] == ["applications/desk/state.json", "applications/desk/config/desk.conf"]
    assert all(isinstance(item, CollectedFile) and b"canary" not in item.content for item in taken)
    assert isinstance(taken[0], CollectedFile)
    assert b'"systemd": {' in taken[0].content
    assert not is_shown("/etc/postgresql/15/main/pg_hba.conf")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("secure_link_secret canary;", "secure_link_secret <secret>;"),
        ('    set $api_key "canary canary";', "    set $api_key <secret>;"),
        ("proxy_set_header X-Auth-Token canary;", "proxy_set_header X-Auth-Token <secret>;"),
        ("# old password canary", "# old password <secret>"),
        ("SSLPassPhrase canary", "SSLPassPhrase <secret>"),
    ],
)
def test_a_value_that_stands_behind_the_name_of_a_secret_is_not_shown(line: str, shown: str) -> None:
    assert without_secrets(f"a 1;\n{line}\nb 2;\n".encode()) == f"a 1;\n{shown}\nb 2;\n".encode()


@pytest.mark.parametrize(
    "line",
    [
        "server_tokens off;",
        "ssl_password_file /etc/nginx/pass;",
        "proxy_pass http://127.0.0.1:8080;",
        "password_encryption = scram-sha-256",
        "secret;",
        "#password",
        "keepalive_timeout 65;",
    ],
)
def test_settings_that_only_sound_like_a_secret_stay(line: str) -> None:
    assert without_secrets(f"{line}\nb 2;\n".encode()) == f"{line}\nb 2;\n".encode()


def test_a_long_line_of_settings_is_read_in_time() -> None:
    began_s = time.monotonic()
    without_secrets(b"token_ " * 40_000)
    without_secrets(b"a" * 256 * 1024)
    without_secrets((b" " * 200 + b"\n") * 1300)
    assert time.monotonic() - began_s < 5


def test_an_application_that_is_not_here_leaves_no_line_in_a_bundle() -> None:
    elsewhere = Application("gone", "Gone", config_files=("/etc/opt/desk/absent.conf",), processes=("goned",))
    assert [item for item in evidence(WithSettings(), elsewhere) if item.path.startswith(SUBJECT)] == []


def test_real_nginx_is_watched_by_the_watch_that_ships(tmp_path: Path) -> None:
    if not (Path("/usr/sbin/nginx").exists() and Path(CONFIG).exists()):
        pytest.skip("nginx is not installed here: apt-get install nginx-light")
    application = load_application("nginx")
    machine = local_machine(watched=settings_of([application]))
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon on; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; "
        f"server {{ listen unix:{tmp_path}/web.sock; }} }}\n"
    )
    command = ["/usr/sbin/nginx", "-e", str(tmp_path / "error.log"), "-c", str(conf)]
    subprocess.run(command, check=True, timeout=10)
    try:
        taken = {item.path: item for item in evidence(machine, application)}
        state = taken["applications/nginx/state.json"]
        assert isinstance(state, CollectedFile)
        assert b'"processes": 0' not in state.content
        assert b'"nginx' in state.content.partition(b'"versions"')[2]
        config = taken["applications/nginx/config/nginx.conf"]
        assert isinstance(config, CollectedFile)
        assert config.content == without_secrets(Path(CONFIG).read_bytes())
    finally:
        subprocess.run([*command, "-s", "stop"], check=True, timeout=10)
