"""Where systemd keeps this process: what asks for it must not load what controls services."""


def control_group() -> str:
    """The control group of this process, as systemd names it; empty where there is none."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            lines = file.read(4096).splitlines()
    except OSError:
        return ""
    return next((line.partition("::")[2] for line in lines if line.startswith("0::")), "")
