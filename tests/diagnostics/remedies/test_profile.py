"""What is told of a remedy without loading it is what its own file says."""

import subprocess
import sys
from pathlib import Path

from diagnostics.remedies import profile
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.profile import as_text, profiles


def test_every_profile_is_what_the_remedys_own_file_says() -> None:
    told = {name: remedy.profile for name, remedy in REMEDIES.items()}
    assert profiles() == told, "say: python -m diagnostics.remedies.profile"


def test_the_file_stands_as_it_would_be_written_now() -> None:
    told = {name: remedy.profile for name, remedy in REMEDIES.items()}
    written = Path(profile.__file__).with_name("profiles.json").read_text("utf-8")
    assert written == as_text(told), "say: python -m diagnostics.remedies.profile"


def test_reading_profiles_loads_no_remedy() -> None:
    code = (
        "import sys; from diagnostics.remedies.profile import profiles; assert len(profiles()) >= 20; "
        "print(sorted(m for m in sys.modules if m.startswith(('diagnostics.machine', 'diagnostics.collectors', "
        "'diagnostics.observations', 'diagnostics.remedies.catalogue', 'diagnostics.remedies.run_program'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
