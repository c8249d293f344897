"""Every recorded machine, looked at once: what each check says of it, whole."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.checks.catalogue import CATALOGUE, explain
from diagnostics.examine import Examination
from diagnostics.machine.recorded import Origin, RecordedMachine
from diagnostics.wording import Language

MACHINES = Path(__file__).resolve().parent.parent / "machines"

EIGHT = (
    "disk-space",
    "disk-fill-forecast",
    "memory-pressure",
    "process-cpu",
    "failed-services",
    "kernel-events",
    "dns",
    "agent-self",
)

# What the first machines answer besides: nothing but mounts, files of /etc and the kernel's log is asked.
PLAIN = (*EIGHT, "inodes", "filesystem-errors", "end-of-life", "restart-loop", "driver-errors", "protection")


def only(*read: str) -> dict[str, str | set[tuple[str, str]]]:
    """These are answered by the machine and find nothing; for the others it was not recorded."""
    return {**dict.fromkeys((check.id for check in CATALOGUE), "skipped"), **dict.fromkeys(read, "ok")}


# What a Debian in systemd-nspawn answers: no disks of its own, no kernel log, a network that holds nothing.
BOOTED = (
    "disk-space", "inodes", "filesystem-errors", "growing-folders", "memory-pressure", "swap", "process-cpu",
    "open-files", "slow-boot", "updates", "end-of-life", "unexpected-shutdown", "crash-loop", "failed-services",
    "restart-loop", "log-burst", "timers", "software-drift", "link", "proxy", "certificates", "ports", "agent-self",
)  # fmt: skip

# machine → check → "ok", "skipped", or the fingerprints it raises with their severity.
EXPECTED: dict[str, dict[str, str | set[tuple[str, str]]]] = {
    "laptop-healthy": dict.fromkeys((check.id for check in CATALOGUE), "ok"),
    "debian-virtual-machine": {
        **only(*PLAIN),
        "restart-loop": "skipped",
        "protection": "skipped",
        "link": "ok",
        "disk-fill-forecast": "skipped",
        "failed-services": "skipped",
    },
    "server-systemd": {
        **only(*BOOTED),
        "clock": {("clock-not-kept|clock", "warning")},
        "protection": {("firewall-off|firewall", "info")},
    },
    "server-systemd-troubled": {
        **only(*BOOTED),
        "unexpected-shutdown": {("unexpected-shutdown|system", "warning")},
        "crash-loop": {("program-crashes|program:sleep", "warning")},
        "failed-services": {("service-failed|service:orders.service", "warning")},
        "timers": {("timer-not-armed|timer:nightly.timer", "info")},
        "clock": {("clock-not-kept|clock", "warning")},
        "protection": {("firewall-off|firewall", "info")},
        "print-queue": {("print-jobs-stuck|printer:Office", "warning")},
    },
    "laptop-disk-full": {
        **only(*PLAIN),
        "disk-space": {("disk-space-low|disk:/", "error"), ("disk-space-low|disk:/boot", "error")},
        "disk-fill-forecast": "skipped",
        "failed-services": {("service-failed|service:cups.service", "warning")},
    },
    "server-disk-filling": {
        **only(*PLAIN),
        "disk-fill-forecast": {("disk-filling|disk:/var", "warning")},
        "dns": {("dns-slow|resolvers", "warning")},
        "agent-self": {
            ("agent-memory-high|agent", "warning"),
            ("agent-cpu-high|agent", "warning"),
            ("agent-disk-high|agent", "warning"),
            ("agent-queue-stuck|agent", "warning"),
            ("agent-knowledge-old|agent", "info"),
        },
    },
    "desktop-out-of-memory": {
        **only(*PLAIN),
        "disk-fill-forecast": "skipped",
        "memory-pressure": {("memory-pressure|memory", "critical")},
        "process-cpu": {("process-cpu-hog|process:tracker-miner-f", "warning")},
        "kernel-events": {
            ("out-of-memory|process:firefox-bin", "error"),
            ("task-hung|process:jbd2/sda2-8", "warning"),
            ("hardware-error|part:MC0", "error"),
        },
    },
    "office-dns-dead": {
        **only(*PLAIN),
        "disk-fill-forecast": "skipped",
        "failed-services": {
            ("service-failed|service:systemd-resolved.service", "error"),
            ("service-failed|service:tracker.service", "warning"),
        },
        "dns": {("dns-not-answering|resolvers", "error")},
    },
    "desktop-updated": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "failed-services": {("service-failed|service:cups.service", "warning")},
        "startup-drift": {("startup-items-changed|startup:all", "info")},
        "config-drift": {("config-files-changed|config:all", "info")},
        "log-templates": {("log-new-message|log:cups.service", "warning")},
        "software-drift": {
            ("packages-half-installed|packages:all", "error"),
            ("packages-older-than-before|packages:all", "info"),
        },
    },
    "laptop-worn": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "backup-age": {("backup-old|backup:restic:anna", "warning")},
        "internet": {("captive-portal|internet", "warning")},
        "smart-nvme": {("nvme-worn|disk:nvme0n1", "warning")},
        "slow-boot": {("boot-slow|system", "info")},
        "updates": {("updates-not-looked-for|updates", "warning")},
        "wifi": {("wifi-weak|interface:wlp0s20f3", "warning")},
        "gateway-latency": {("gateway-slow|gateway:192.168.1.1", "warning")},
        "antivirus": {("antivirus-signatures-old|antivirus", "warning")},
        "temperature": {("temperature-high|part:coretemp", "error")},
        "throttling": {("cpu-throttled|cpu", "warning")},
        "battery": {("battery-worn|battery:BAT0", "warning")},
        "restart-pending": {("restart-pending|system", "warning")},
        "clock": {("clock-not-kept|clock", "warning")},
        "protection": {("firewall-off|firewall", "info"), ("disk-not-encrypted|disk:/", "info")},
    },
    "server-troubled": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "smart-ata": {("disk-failing|disk:sda", "error")},
        "smart-nvme": {("nvme-failing|disk:nvme0n1", "error")},
        "growing-folders": {("folder-growing|folder:/var/lib/postgresql", "info")},
        "certificates": {("certificate-expired|file:/etc/ssl/certs/mail.pem", "warning")},
        "timers": {("timer-not-armed|timer:backup.timer", "warning")},
        "restart-loop": {("service-restart-loop|service:ssh.service", "error")},
        "inodes": {("inodes-low|disk:/boot", "error")},
        "disk-busy": {("disk-slow|disk:nvme0n1", "warning")},
        "filesystem-errors": {
            ("filesystem-read-only|disk:/var", "error"),
            ("filesystem-damaged|device:sda1", "error"),
            ("disk-errors|device:sda", "error"),
        },
        "swap": {("swap-full|swap", "warning"), ("swap-busy|swap", "warning")},
        "cpu-busy": {("cpu-busy|cpu", "warning")},
        "open-files": {("process-open-files-high|process:postgres", "error")},
        "battery": "skipped",
        "log-burst": {("log-error-burst|unit:postgresql@15-main.service", "warning")},
        "ports": {("ports-nearly-used-up|tcp", "error"), ("connection-table-full|conntrack", "error")},
    },
    "desktop-crashing": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "driver-errors": {
            ("driver-error|device:0000:01:00", "warning"),
            ("driver-error|device:usb 1-4", "info"),
        },
        "print-queue": {("print-jobs-stuck|printer:Office", "warning")},
        "memory-leak": {("process-memory-leak|process:soffice.bin", "warning")},
        "end-of-life": {("system-out-of-support|system", "error")},
        "unexpected-shutdown": {
            ("unexpected-shutdown|system", "error"),
            ("kernel-panic-saved|system", "error"),
        },
        "crash-loop": {("program-crashes|program:gnome-shell", "error")},
    },
    "office-network-sick": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "link": {
            ("link-without-address|interface:enp3s0", "error"),
            ("gateway-not-answering|gateway:192.168.1.1", "error"),
        },
        "network-errors": {
            ("network-card-errors|interface:wlp0s20f3", "warning"),
            ("network-loses-data|network", "warning"),
        },
        "proxy": {
            ("proxy-program-gone|proxy:http_proxy", "warning"),
            ("proxy-setting-broken|proxy:https_proxy", "warning"),
        },
        "clock": {("clock-wrong|clock", "error")},
        "certificates": {("connection-inspected|server:desk.example.org:443", "info")},
    },
    "windows-laptop": {**dict.fromkeys((check.id for check in CATALOGUE), "ok"), "inodes": "skipped"},
    "windows-desktop-neglected": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        **dict.fromkeys(("inodes", "smart-nvme", "memory-leak", "battery", "slow-boot", "wifi"), "skipped"),
        "gateway-latency": "skipped",
        "disk-space": {("disk-space-low|disk:C:\\", "error")},
        "disk-fill-forecast": {("disk-filling|disk:D:\\", "warning")},
        "smart-ata": {("disk-failing|disk:Disk 0", "error")},
        "filesystem-errors": {("disk-errors|device:Harddisk0", "error"), ("filesystem-damaged|device:C:", "error")},
        "backup-age": {("backup-old|backup:File History:user", "error")},
        "restart-pending": {("restart-pending|system", "warning")},
        "updates": {("updates-not-looked-for|updates", "warning"), ("updates-failing|updates", "warning")},
        "end-of-life": {("system-out-of-support|system", "error")},
        "crash-loop": {("program-crashes|program:OUTLOOK.EXE", "error")},
        "failed-services": {
            ("service-failed|service:Spooler", "warning"),
            ("service-failed|service:MSSQL$BUERO", "warning"),
        },
        "restart-loop": {("service-restart-loop|service:VpnAgent", "error")},
        "log-burst": {("log-error-burst|unit:Schannel", "warning")},
        "log-templates": {("log-new-message|log:Schannel", "warning"), ("log-new-message|log:VpnAgent", "warning")},
        "timers": {("timer-not-armed|timer:\\Datensicherung abends", "warning")},
        "startup-drift": {("startup-items-changed|startup:all", "info")},
        "config-drift": {("config-files-changed|config:all", "info")},
        "software-drift": {("packages-older-than-before|packages:all", "info")},
        "link": {("gateway-not-answering|gateway:192.168.1.1", "error")},
        "network-errors": {("network-card-errors|interface:Ethernet", "warning")},
        "dns": {("dns-not-answering|resolvers", "error")},
        "internet": {("internet-unreachable|internet", "warning")},
        "proxy": {
            ("proxy-program-gone|proxy:WinHTTP", "warning"),
            ("proxy-program-gone|proxy:WinINet http", "warning"),
            ("proxy-setting-broken|proxy:WinINet https", "warning"),
        },
        "certificates": {("certificate-expired|file:LocalMachine\\My", "warning")},
        "clock": {("clock-not-kept|clock", "warning")},
        "antivirus": {("antivirus-off|antivirus", "warning")},
        "print-queue": {("print-jobs-stuck|printer:Büro, 1. Stock", "warning")},
    },
    "windows-laptop-worn": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        **dict.fromkeys(("inodes", "smart-ata", "disk-fill-forecast"), "skipped"),
        "smart-nvme": {("nvme-failing|disk:Disk 0", "critical")},
        "disk-busy": {("disk-slow|disk:0 C:", "error")},
        "growing-folders": {("folder-growing|folder:C:\\Users\\anna", "info")},
        "memory-pressure": {("memory-pressure|memory", "warning")},
        "swap": {("swap-full|swap", "warning"), ("swap-busy|swap", "warning")},
        "cpu-busy": {("cpu-busy|cpu", "warning")},
        "process-cpu": {("process-cpu-hog|process:reports.exe", "warning")},
        "memory-leak": {("process-memory-leak|process:reports.exe", "warning")},
        "open-files": {("process-open-files-high|process:reports.exe", "warning")},
        "temperature": {("temperature-high|part:TZ00", "warning")},
        "throttling": {("cpu-throttled|cpu", "warning")},
        "battery": {("battery-worn|battery:5B10W51871", "warning")},
        "slow-boot": {("boot-slow|system", "info")},
        "unexpected-shutdown": {("unexpected-shutdown|system", "error"), ("kernel-panic-saved|system", "error")},
        "kernel-events": {("hardware-error|part:memory", "error"), ("memory-exhausted|process:reports.exe", "warning")},
        "driver-errors": {
            ("driver-error|device:Qualcomm QCA9377 Bluetooth", "warning"),
            ("driver-error|device:igfxnd", "warning"),
        },
        "link": {("link-without-address|interface:Ethernet", "error")},
        "network-errors": {("network-loses-data|network", "warning")},
        "internet": {("captive-portal|internet", "warning")},
        "wifi": {("wifi-weak|interface:Беспроводная сеть", "warning")},
        "clock": {("clock-wrong|clock", "error")},
        "gateway-latency": {("gateway-slow|gateway:192.168.1.1", "warning")},
        "antivirus": {("antivirus-signatures-old|antivirus", "warning")},
        "protection": {("firewall-off|firewall", "info"), ("disk-not-encrypted|disk:/", "info")},
        "ports": {("ports-nearly-used-up|tcp", "error")},
        "agent-self": {("agent-memory-high|agent", "warning")},
    },
    "windows-standard-user": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        **dict.fromkeys(("inodes", "smart-ata", "smart-nvme", "backup-age", "battery", "slow-boot"), "skipped"),
        **dict.fromkeys(("updates", "internet", "wifi"), "skipped"),
    },
    "restricted-user": {
        **only(*PLAIN),
        "filesystem-errors": "skipped",
        "driver-errors": "skipped",
        "restart-loop": "skipped",
        "protection": "skipped",
        "disk-fill-forecast": "skipped",
        "failed-services": "skipped",
        "kernel-events": "skipped",
        "dns": "skipped",
    },
    "mac-healthy": dict.fromkeys((check.id for check in CATALOGUE), "ok"),
    "mac-worn": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "disk-space": {("disk-space-low|disk:/", "warning")},
        "disk-fill-forecast": {("disk-filling|disk:/", "warning")},
        "inodes": {("inodes-low|disk:/", "warning")},
        "smart-ata": "skipped",
        "smart-nvme": {("nvme-worn|disk:disk0", "warning")},
        "backup-age": {("backup-old|backup:Time Machine:system", "error")},
        "temperature": {("temperature-high|part:CPU die", "warning")},
        "throttling": {("cpu-held-down|cpu", "warning")},
        "battery": {("battery-worn|battery:InternalBattery", "warning")},
        "slow-boot": {("boot-slow|system", "info")},
        "restart-pending": {("update-waits-for-restart|system", "warning")},
        "updates": {("updates-not-looked-for|updates", "warning")},
        "end-of-life": {("system-out-of-support|system", "error")},
        "internet": {("captive-portal|internet", "warning")},
        "wifi": {("wifi-weak|interface:en0", "warning")},
        "certificates": {("connection-inspected|server:desk.example.org:443", "info")},
        "clock": {("clock-wrong|clock", "error"), ("clock-not-kept|clock", "warning")},
        "gateway-latency": {("gateway-slow|gateway:192.168.1.1", "warning")},
        "antivirus": {("antivirus-signatures-old|antivirus", "warning")},
        "protection": {("firewall-off|firewall", "info"), ("disk-not-encrypted|disk:/", "info")},
    },
    "mac-troubled": {
        **dict.fromkeys((check.id for check in CATALOGUE), "ok"),
        "inodes": {("inodes-low|disk:/", "error")},
        "smart-ata": {("disk-failing|disk:disk4", "critical")},
        "disk-busy": {("disk-slow|disk:disk4", "warning")},
        "filesystem-errors": {("disk-errors|device:disk4", "error"), ("filesystem-damaged|device:disk5s1", "error")},
        "growing-folders": {("folder-growing|folder:/Users/anna/Library", "info")},
        "memory-pressure": {("memory-pressure|memory", "error")},
        "swap": {("swap-busy|swap", "warning")},
        "cpu-busy": {("cpu-busy|cpu", "warning")},
        "process-cpu": {("process-cpu-hog|process:mds_stores", "warning")},
        "memory-leak": {("process-memory-leak|process:Slack", "warning")},
        "open-files": {("process-open-files-high|process:node", "warning")},
        "unexpected-shutdown": {("unexpected-shutdown|system", "warning"), ("kernel-panic-saved|system", "error")},
        "crash-loop": {("program-crashes|program:Preview", "error")},
        "failed-services": {
            ("service-failed|service:org.example.backup", "warning"),
            ("service-failed|service:org.example.updater", "warning"),
            ("service-failed|service:org.example.vpn", "warning"),
        },
        "restart-loop": {("service-restart-loop|service:org.example.vpn", "error")},
        "kernel-events": {("out-of-memory|process:Google Chrome He", "error")},
        "log-burst": {("log-error-burst|unit:org.example.vpn", "warning")},
        "log-templates": {("log-new-message|log:org.example.vpn", "warning")},
        "timers": {("timer-not-armed|timer:org.example.reports", "info")},
        "startup-drift": {("startup-items-changed|startup:all", "info")},
        "config-drift": {("config-files-changed|config:all", "info")},
        "software-drift": {("packages-older-than-before|packages:all", "info")},
        "driver-errors": {
            ("driver-error|device:AppleUSB20HubPort@14420000", "warning"),
            ("driver-error|device:graphics", "info"),
        },
        "link": {
            ("link-without-address|interface:en7", "error"),
            ("gateway-not-answering|gateway:192.168.1.1", "error"),
        },
        "network-errors": {
            ("network-card-errors|interface:en0", "warning"),
            ("network-loses-data|network", "warning"),
        },
        "dns": {("dns-not-answering|resolvers", "error")},
        "proxy": {
            ("proxy-program-gone|proxy:http_proxy", "warning"),
            ("proxy-setting-broken|proxy:https_proxy", "warning"),
        },
        "clock": "skipped",
        "gateway-latency": "skipped",
        "print-queue": {("print-jobs-stuck|printer:Office", "warning")},
        "ports": {("ports-nearly-used-up|tcp", "error")},
        "agent-self": {
            ("agent-memory-high|agent", "warning"),
            ("agent-cpu-high|agent", "warning"),
            ("agent-disk-high|agent", "warning"),
            ("agent-queue-stuck|agent", "warning"),
            ("agent-knowledge-old|agent", "info"),
        },
    },
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_machine_gets_exactly_these_findings(name: str, look: Callable[..., Examination]) -> None:
    examination = look(name)
    raised = {(finding.fingerprint, str(finding.severity)) for finding in examination.findings}
    assert raised == set().union(*(said for said in EXPECTED[name].values() if isinstance(said, set)))
    for result in examination.checks:
        said = EXPECTED[name][result.id]
        assert result.status == ("finding" if isinstance(said, set) else said), result
        assert bool(result.reason) == (result.status == "skipped"), result


def test_every_check_has_a_healthy_and_a_sick_machine() -> None:
    for check in CATALOGUE:
        said = [expected[check.id] for expected in EXPECTED.values()]
        assert "ok" in said, f"no machine is healthy for {check.id}"
        assert any(isinstance(item, set) for item in said), f"no machine is sick for {check.id}"


def test_every_check_has_a_healthy_and_a_sick_mac() -> None:
    macs = [expected for name, expected in EXPECTED.items() if name.startswith("mac-")]
    for check in CATALOGUE:
        assert "ok" in [expected[check.id] for expected in macs], f"no Mac is healthy for {check.id}"
        assert any(isinstance(expected[check.id], set) for expected in macs), f"no Mac is sick for {check.id}"


def test_every_check_has_a_healthy_and_a_sick_windows() -> None:
    told = [expected for name, expected in EXPECTED.items() if name.startswith("windows-")]
    for check in CATALOGUE:
        if check.id == "inodes":  # NTFS has none
            continue
        assert "ok" in [expected[check.id] for expected in told], f"no Windows is healthy for {check.id}"
        assert any(isinstance(expected[check.id], set) for expected in told), f"no Windows is sick for {check.id}"


def test_who_is_no_administrator_is_told_what_needs_one(look: Callable[..., Examination]) -> None:
    reasons = {result.id: result.reason for result in look("windows-standard-user").checks}
    for check in ("smart-ata", "smart-nvme", "slow-boot", "updates"):
        assert "needs administrator" in reasons[check], reasons[check]


def test_every_recorded_machine_says_where_it_comes_from() -> None:
    folders = sorted(path for path in MACHINES.iterdir() if path.is_dir())
    assert len(folders) >= 8
    origins = {RecordedMachine(folder).about.origin for folder in folders}
    assert origins == {Origin.RECORDED, Origin.COMPOSED}
    for folder in folders:
        about = RecordedMachine(folder).about
        assert about.name == folder.name
        assert len(about.about) > 40


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("language", Language)
def test_every_finding_is_told_in_plain_words(name: str, language: Language, look: Callable[..., Examination]) -> None:
    for finding in look(name).findings:
        words = explain(finding, language)
        assert words.title != finding.code
        assert "{" not in words.title + words.text
        assert "?" not in words.text, f"{finding.code} is told with a fact that is missing: {words.text}"
        cyrillic = any("а" <= letter <= "я" for letter in words.title.lower())
        assert cyrillic == (language is Language.RUSSIAN)


def test_a_look_at_a_machine_twice_says_the_same(look: Callable[..., Examination]) -> None:
    assert look("desktop-out-of-memory").findings == look("desktop-out-of-memory").findings


def test_names_chosen_by_an_attacker_cannot_act(look: Callable[..., Examination]) -> None:
    examination = look("hostile-names")
    found = {result.id for result in examination.checks if result.status == "finding"}
    assert found == {"disk-space", "process-cpu", "failed-services", "kernel-events", "dns"}
    assert {finding.code for finding in examination.findings if finding.code == "check-failed"} == set()
    shown = [examination.to_json()]
    for finding in examination.findings:
        for language in Language:
            words = explain(finding, language)
            shown += [words.title, words.text]
    shown += [finding.instance for finding in examination.findings]
    shown += [result.reason for result in examination.checks]
    for text in shown:
        assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in text), repr(text)
        assert "\u202e" not in text


def test_a_kernel_line_written_by_a_program_is_not_believed(look: Callable[..., Examination]) -> None:
    killed = [
        finding.facts["name"]
        for name in ("hostile-names", "desktop-out-of-memory")
        for finding in look(name, only=["kernel-events"]).findings
        if finding.code == "out-of-memory"
    ]
    assert killed == ["x\\x1b[2J", "firefox-bin"]
