"""``throughline up``: one command brings it up, one signal takes it all down, a killed child comes back."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.platform import THROUGHLINE, Platform, until
from warehouse.settings import PROJECT


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("up") / "home")
    try:
        platform.start()
        yield platform
    finally:
        platform.clean_up()


def run(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*THROUGHLINE, *arguments], cwd=PROJECT, env=platform.environment, capture_output=True, text=True
    )


class TestUp:
    """In order: a later test stops what an earlier one used."""

    def test_it_answers_from_a_release_that_went_through_the_whole_line(self, platform):
        ready = platform.get("/health/ready")
        assert ready["success"] is True
        assert ready["data"]["release_id"]

    def test_log_ins_are_listed_while_it_runs_and_work(self, platform):
        logins = json.loads(run(platform, "demo", "logins", "--json").stdout)
        assert {"tenant", "email", "password", "role"} == set(logins[0])
        assert len({login["tenant"] for login in logins}) == 3

    def test_a_second_one_on_the_same_home_is_refused_in_plain_words(self, platform):
        second = Platform(platform.home)
        done = subprocess.run(
            [*THROUGHLINE, "up"],
            cwd=PROJECT,
            env=second.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert "already running" in done.stderr

    def test_a_taken_port_is_named(self, platform, tmp_path):
        other = Platform(tmp_path / "home")
        other.port = platform.port
        done = subprocess.run(
            [*THROUGHLINE, "up"],
            cwd=PROJECT,
            env=other.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert f"port {platform.port} is in use" in done.stderr

    def test_doctor_is_content(self, platform):
        done = run(platform, "doctor")
        assert done.returncode == 0, done.stdout
        assert "current release" in done.stdout

    @pytest.mark.parametrize("name", ["api", "code-server", "daemon", "webserver", "postgres"])
    def test_a_killed_child_comes_back_and_leaves_nothing_of_itself(self, platform, name):
        platform.look()
        victim = psutil.Process(platform.pid(name))
        group = [victim, *victim.children(recursive=True)]
        victim.send_signal(signal.SIGKILL)
        until(lambda: platform.pid(name) != victim.pid, what=f"{name} is started again")
        until(lambda: not any(process.is_running() and process.status() != "zombie" for process in group))
        until(lambda: platform.alive("/health/ready"), what="the platform is ready again")

    def test_sigterm_stops_everything_it_started(self, platform):
        platform.signal(signal.SIGTERM)
        assert platform.ended() == 0
        assert platform.survivors() == []
        assert not (platform.home / "run.json").exists()

    def test_it_goes_on_from_the_same_data(self, platform):
        before = run(platform, "release", "list").stdout.splitlines()
        platform.start(wait="API answers")
        until(lambda: platform.alive("/health/ready"))
        assert platform.get("/health/ready")["data"]["release_id"] in before[0]

    def test_a_killed_supervisor_leaves_nothing_running(self, platform):
        platform.signal(signal.SIGKILL)
        platform.ended()
        until(lambda: platform.survivors() == [], timeout_s=60, what="nothing of it runs any more")

    def test_and_the_next_start_is_not_disturbed_by_it(self, platform: Platform):
        platform.start(wait="API answers")
        until(lambda: platform.alive("/health/ready"))
        platform.signal(signal.SIGINT)
        assert platform.ended() == 0
        assert platform.survivors() == []


def test_a_home_named_in_the_environment_holds_all_state(platform: Platform, tmp_path: Path):
    assert (platform.home / "postgres" / "PG_VERSION").exists()
    assert (platform.home / "releases" / "current").exists()
