"""Things that look like secrets and are none: a technician needs them. Importing fills `corpus.LOOK_ALIKES`."""

from __future__ import annotations

import random
import string
import uuid

from tests.redaction.corpus import ALNUM, B64, HEX, draw, log, look_alike, luhn_number, sha256_of


@look_alike
def _version(rng: random.Random) -> str:
    v = f"{rng.randrange(1, 20)}.{rng.randrange(20)}.{rng.randrange(200)}.{rng.randrange(200)}"
    return log(
        rng,
        rng.choice(
            [f"version {v} installed", f"driver-{v} loaded", f"Chrome/{v}", f"upgraded libfoo v{v}", f"firmware {v}"]
        ),
    )


@look_alike
def _netmask(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "netmask 255.255.255.0",
                "listening on 0.0.0.0:22",
                "127.0.0.1:631 refused",
                "bcast 255.255.255.255",
                "via ::1",
                "on :::80",
            ]
        ),
    )


@look_alike
def _time(rng: random.Random) -> str:
    return f"2026-11-21T{rng.randrange(10, 24)}:10:11.123456+02:00 took 12:34:56 12:00"


@look_alike
def _scope_operator(rng: random.Random) -> str:
    return log(
        rng, rng.choice(["std::vector<a::b> bad", "at Foo::bar() line 7", "Dead::Beef", "use abc::def;", "a::b::c"])
    )


@look_alike
def _epoch(rng: random.Random) -> str:
    return log(
        rng, f"ts={rng.randrange(10**12, 2 * 10**12)} ns={rng.randrange(10**18, 2 * 10**18)} seq={rng.randrange(10**9)}"
    )


@look_alike
def _no_card(rng: random.Random) -> str:
    good = luhn_number(rng, "4", 16)
    return log(rng, f"trace {good[:-1]}{(int(good[-1]) + rng.randrange(1, 10)) % 10} done")


@look_alike
def _no_iban(rng: random.Random) -> str:
    return log(rng, f"part DE{draw(rng, string.digits, 9)} and GB29QQQQ60161331926818")


@look_alike
def _uuid(rng: random.Random) -> str:
    value = uuid.UUID(int=rng.getrandbits(128))
    return log(
        rng,
        rng.choice(
            [f"boot {value}", f"_BOOT_ID={value.hex}", f"UUID={value} / ext4", f"luks-{value}", f"request {value} ok"]
        ),
    )


@look_alike
def _digest(rng: random.Random) -> str:
    h = sha256_of(rng)
    return log(
        rng,
        rng.choice(
            [
                f"sha256:{h}",
                f"commit {h[:40]}",
                f"image@sha256:{h}",
                f"md5 {h[:32]} ok",
                f"build-id {h[:40]}",
                f"docker-{h}.scope",
            ]
        ),
    )


@look_alike
def _integrity(rng: random.Random) -> str:
    return f'"integrity": "sha512-{draw(rng, B64, 86)}=="'


@look_alike
def _error_code(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "failed with 0x80070005",
                "exit code=exited, status=1/FAILURE",
                "error 0xc000021a",
                "errno=13 EACCES",
                "code 404",
                "HRESULT 0x8024402C",
                "key=0x1f",
            ]
        ),
    )


@look_alike
def _unit(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "Started user@1000.service",
                "getty@tty1.service: up",
                "session-c1.scope",
                "systemd-tmpfiles-clean.timer",
                "dbus-org.freedesktop.NetworkManager1.service",
                "Reached target graphical.target",
            ]
        ),
    )


@look_alike
def _word_token(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "unexpected token: identifier",
                "Unexpected token '<' at position 4",
                "max_tokens: 4096",
                "token_type: Bearer",
                "token_count=17",
                "expected token ';'",
                "syntax error near unexpected token `('",
            ]
        ),
    )


@look_alike
def _word_password(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "password: required",
                "Password is incorrect",
                "PasswordAuthentication yes",
                "password=null",
                "password: ********",
                "password_file=/run/secrets/db",
                "PASSWORD=${DB_PASSWORD}",
                "password expired",
                "pam_unix: password changed",
                "passwd: Permission denied",
                "password_min_length=12",
                "secret_name: app-tls",
                "no password set",
            ]
        ),
    )


@look_alike
def _word_key(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "keyboard: us",
                "key: value",
                "primary key: id",
                "monkey=1",
                "Key 'a' not found",
                "key_size=2048",
                "ssl_key_file=/etc/ssl/x.crt",
                "keylen: 256",
                "key=Enter",
                "hotkey: Ctrl+Alt+T",
                "registry key: HKLM\\Software\\X",
                "author=upstream",
                "cache key: users_list",
            ]
        ),
    )


@look_alike
def _word_auth(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "auth: ok",
                "auth=none",
                "authentication failure",
                "session: closed",
                "session opened for user root(uid=0)",
                "Accepted publickey for root from 127.0.0.1",
                "bearer authentication is disabled",
                "basic authentication required",
                "cookie policy: strict",
                "pin: default",
                "sig=SIGTERM",
                "code=1",
            ]
        ),
    )


@look_alike
def _word_user(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "user=root",
                "user root logged in",
                "user pressed cancel",
                "by user request",
                "user=0",
                "User-Agent: curl",
                "for user nobody",
                "user: www-data",
                "login: prompt",
                "owner=root group=adm",
                "username: required",
            ]
        ),
    )


@look_alike
def _path(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "/usr/lib/x86_64-linux-gnu/libgtk-4.so.1.1200.4",
                "/usr/share/icons/hicolor/48x48/apps/org.gnome.Nautilus.png",
                "/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0",
                "/var/lib/dpkg/info/libpython3.11-stdlib.list",
                "/home/linuxbrew/.linuxbrew/bin",
                "C:\\Windows\\System32\\drivers\\etc\\hosts",
                "C:\\Users\\Public\\Desktop",
                "/nix/store/0c5b8vw40dy178xlpddw65q9gf1h2186-bash-5.2",
            ]
        ),
    )


@look_alike
def _identifier(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "org.freedesktop.NetworkManager.Device.Wireless",
                "NetworkManagerDispatcherService",
                "_ZN4llvm12PassRegistry15getPassRegistryEv",
                "java.lang.IllegalStateException",
                "com.apple.WebKit.WebContent.Development",
                "handleConnectionStateChangedEvent2",
                "cp311-cp311-manylinux_2_17_x86_64",
                "CONFIG_SECURITY_SELINUX_BOOTPARAM=y",
                "x86_64-unknown-linux-gnu",
                "ERR_CONNECTION_TIMED_OUT",
            ]
        ),
    )


@look_alike
def _package(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "libgtk-4-1:amd64 4.8.3+ds-2+deb12u1",
                "linux-image-6.1.0-28-amd64 6.1.119-1",
                "node_modules/lodash@4.17.21",
                "react@18.2.0",
                "openssl 3.0.15-1~deb12u1",
                "python3.11 (3.11.2-6+deb12u4)",
                "kernel 5.15.0-91-generic",
                "pkg:npm/left-pad@1.3.0",
            ]
        ),
    )


@look_alike
def _kernel(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                f"RIP: 0010:ffff{draw(rng, HEX, 12)}",
                f"pci 0000:00:1{rng.randrange(9)}.0: [8086:{draw(rng, HEX, 4)}] type 00",
                "EXT4-fs (sda1): re-mounted",
                f"CPU{rng.randrange(8)}: Core temperature above threshold",
                f"[mem 0x{draw(rng, HEX, 16)}-0x{draw(rng, HEX, 16)}]",
                "usb 1-1: New USB device found, idVendor=046d, idProduct=c52b",
                "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null)",
                'audit: type=1400 apparmor="DENIED"',
            ]
        ),
    )


@look_alike
def _signed_number(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "offset +0.000123456 s",
                "delta +12345678",
                "tz +0200",
                "drift -12.345 ppm",
                "lat=0.123ms",
                "+1 more",
                "pos=+15 size=+20480",
            ]
        ),
    )


@look_alike
def _mac_like(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "ff:ff:ff:ff:ff:ff broadcast",
                "00:00:00:00:00:00",
                "33:33:00:00:00:01",
                "ratio 10:20:30",
                "01:00:5e:00:00:fb",
            ]
        ),
    )


@look_alike
def _masked(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "token=[REDACTED]",
                "api_key=****",
                "secret: <hidden>",
                "password=xxxxxxxx",
                "Authorization: ***",
                "apikey={{ vault_key }}",
                "password=$(cat /run/x)",
                "token=%TOKEN%",
                "card ****1234",
            ]
        ),
    )


@look_alike
def _git_remote(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "git@github.com:org/repo.git",
                "https://github.com/org/repo.git",
                "ssh://git@gitlab.com/x.git",
                "https://example.test:8443/path?page=2&sort=asc",
                "http://localhost:8080/@fs/x",
            ]
        ),
    )


@look_alike
def _date_number(rng: random.Random) -> str:
    part = f"{rng.randrange(100, 999)}-{rng.randrange(10, 99)}"
    return log(rng, f"2026-11-21 build 20261121.{rng.randrange(9)} ISO 9001:2015 serial=2024010101 {part}")


@look_alike
def _sentence(rng: random.Random) -> str:
    return log(
        rng,
        rng.choice(
            [
                "The quick brown fox jumps over the lazy dog",
                "Dependency failed for Network Manager",
                "Failed to start Light Display Manager",
                "authentication token manipulation error",
                "user name or password is wrong",
                "secret agent says: hello",
                "pin 7 of the connector is broken",
                "See the key points below: one, two",
            ]
        ),
    )


@look_alike
def _table(rng: random.Random) -> str:
    blocks = f"{rng.randrange(10**6, 10**8)} {rng.randrange(10**6)}"
    return f"/dev/sda{rng.randrange(1, 9)}  ext4  {blocks}  {rng.randrange(100)}% /var/log"


@look_alike
def _short_code(rng: random.Random) -> str:
    pod = "bcdfghjklmnpqrstvwxz2456789"
    return log(rng, f"job {draw(rng, ALNUM, 8)} pod web-{draw(rng, pod, 10)}-{draw(rng, pod, 5)}")


@look_alike
def _working_folder(rng: random.Random) -> str:
    return log(
        rng, rng.choice(["PWD=/var/tmp ; USER=root ; COMMAND=/bin/ls", "OLDPWD=/srv", "pwd=/opt/app", "cwd=/root"])
    )


@look_alike
def _package_log(rng: random.Random) -> str:
    v = f"{rng.randrange(1, 9)}.{rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(9)}"
    return rng.choice(
        [
            f"2026-11-21 14:37:47 status unpacked alsa-topology-conf:all {v}-2",
            f"2026-11-21 14:37:47 upgrade libfoo:amd64 {v} {v}",
            f"Install: libsecret-1-0:amd64 ({v}-3, automatic), libbar:amd64 ({v}, automatic)",
            "Unpacking libsecret-1-0:amd64 (0.20.5-3) ...",
            f"Get:1 http://mirror.example.test/debian x/main libfoo {v}+dfsg1-2 [12 kB]",
        ]
    )


@look_alike
def _certificate_name(rng: random.Random) -> str:
    names = [
        "DigiCert_Assured_ID_Root_G2.pem",
        "Atos_TrustedRoot_2011.pem",
        "E-Tugra_Global_Root_CA_ECC_v3.pem",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "libQt6WaylandEglClientHwIntegration.so.6",
        "VP8RTPSenderReportQ3Layer",
        "Serial: 8250/16550 driver, 1 ports, IRQ sharing disabled",
    ]
    return log(rng, "Adding " + rng.choice(names))
