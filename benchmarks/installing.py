"""Installs the peers, the extra `bench`, one by one, and reports those that cannot be installed.

python -m benchmarks.installing
"""

from __future__ import annotations

import subprocess
import sys
import tomllib

from benchmarks.child import ROOT

TIMEOUT = 600


def main() -> int:
    """Installs each that is missing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for wanted in project["optional-dependencies"]["bench"]:
        try:
            subprocess.run([*install, wanted], check=True, capture_output=True, timeout=TIMEOUT)
        except subprocess.SubprocessError as error:
            words = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
            reason = words.splitlines()[-1] if words else str(error)
            print(f"{wanted} cannot be installed: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
