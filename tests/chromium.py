"""``python -m tests.chromium``: Chromium for the browser tests, from Debian, where that is possible without asking.

It never fails: a machine without a browser still runs every other test. Whether a browser test may be skipped is
decided by the tests themselves (in CI it may not).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
LIMIT_S = 600


def find() -> str | None:
    """The path of an installed Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> str:
    """Install Debian's package; what came of it, in words."""
    if not shutil.which("apt-get"):
        return "this system has no apt-get; install Chromium by hand to run the browser tests"
    if os.geteuid() != 0:
        return "only root may install packages; run 'sudo apt-get install chromium' to run the browser tests"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        print(f"chromium: apt-get {' '.join(words)}", flush=True)
        command = ["apt-get", "-q", "-q", "-o", "DPkg::Lock::Timeout=60", *words]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"apt-get {words[0]} took longer than {LIMIT_S} s"
        if done.returncode:
            told = (done.stderr.strip() or done.stdout.strip()).splitlines()
            return f"apt-get {words[0]} failed: {told[-1] if told else f'status {done.returncode}'}"
    path = find()
    return f"installed, {path}" if path else "the package brought no program named " + " or ".join(NAMES)


def main() -> int:
    path = find()
    print(f"chromium: {path}" if path else f"chromium: {install()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
