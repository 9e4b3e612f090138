"""The benchmarks run and keep their own rules; how fast anything is stays out of the tests."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import asked, files, ingest, processes, realtime, serve
from benchmarks.__main__ import NAMES
from benchmarks.client import percentile
from benchmarks.common import Bar, Options, Result, interleave, keep
from benchmarks.processes import Sample, VariantFailed
from tests.serve.small_release import publish_small
from warehouse.settings import Home

QUICK = Options(rows=2_000, rounds=1, quick=True)


def samples(*seconds: float) -> list[Sample]:
    return [Sample(each, 10.0) for each in seconds]


def test_variants_take_turns_and_the_limit_goes_last_again() -> None:
    order: list[str] = []

    def run(name: str) -> Sample:
        order.append(name)
        return Sample(1.0, 1.0)

    result = Result("x", "x", limit="limit")
    interleave(result, {name: partial(run, name) for name in ("limit", "ours")}, rounds=2)
    assert order == ["limit", "ours", "limit", "ours", "limit"]
    assert result.limit_again is not None


@pytest.mark.parametrize(("last", "is_valid"), [(1.15, True), (1.16, False), (0.86, False)])
def test_a_run_counts_only_if_its_limit_stood_still(last: float, is_valid: bool) -> None:
    result = Result("x", "x", limit="a", samples={"a": samples(1.0)}, limit_again=Sample(last, 1.0))
    assert result.is_valid is is_valid
    assert result.holds is is_valid


def test_a_bar_without_its_peer_is_neither_kept_nor_broken() -> None:
    result = Result("x", "x", samples={"ours": samples(1.0)})
    result.bars = [Bar("times dlt", result.ratio("dlt", "ours"), least=4)]
    assert result.bars[0].holds is None
    assert result.holds
    result.bars.append(Bar("memory", 401.0, most=400))
    assert not result.holds


def test_results_are_merged_by_name_with_every_sample(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for name, seconds in (("one", 1.0), ("two", 2.0), ("one", 3.0)):
        keep([Result(name, "x", samples={"a": samples(seconds, seconds)})], path, loads=(0.0, 0.0))
    kept = json.loads(path.read_text())
    assert kept["one"]["variants"]["a"]["median_s"] == 3.0
    assert [each["seconds"] for each in kept["two"]["variants"]["a"]["samples"]] == [2.0, 2.0]
    assert kept["one"]["environment"]["versions"]["duckdb"]


def test_a_process_is_measured_with_its_children_and_its_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen, look = tmp_path / "seen", processes.MemoryWatch._look

    def looks(watch: processes.MemoryWatch) -> float:
        found_mb = look(watch)
        if found_mb > 150:
            seen.touch()
        return found_mb

    monkeypatch.setattr(processes.MemoryWatch, "_look", looks)
    ends = f"while not os.path.exists({str(seen)!r}) and time.monotonic() < began + 60: time.sleep(0.01)"
    child = f"import os, time; began = time.monotonic(); held = b'x' * 150_000_000\n{ends}"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert processes.run([sys.executable, "-c", parent]).peak_mb > 150
    with pytest.raises(VariantFailed, match="no such luck"):
        processes.run([sys.executable, "-c", "raise SystemExit('no such luck')"])


def test_percentiles_are_values_that_were_seen() -> None:
    assert [percentile([3.0, 1.0, 2.0, 4.0], share) for share in (0.01, 0.5, 0.75, 0.99)] == [1, 2, 3, 4]


def test_no_question_is_asked_twice() -> None:
    asked_for = [repr(entry) for entry in islice(asked.different(date(2026, 6, 30), seed=1), 5_000)]
    assert len(set(asked_for)) == 5_000


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_called_by_its_name(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{name}").measure)


def test_ingest_measures_itself_and_says_which_peers_are_absent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ingest, "PEERS", tmp_path / "absent")
    monkeypatch.setattr(ingest.sys, "executable", str(tmp_path / "absent too"))
    result = Result("x", "x")
    assert ingest.peers_python(result) is None
    assert "requirements.txt" in result.skipped["dlt-pyarrow"]
    monkeypatch.undo()
    monkeypatch.setattr(ingest, "peers_python", lambda result: None)
    result = ingest.measure(QUICK)
    assert result.samples.keys() == {"binary COPY to null", "throughline"}
    assert result.facts["rows"] == 2_000


def test_files_measures_itself() -> None:
    result = files.measure(QUICK)
    assert {name.split(",")[0] for name in result.samples} == {"Polars", "throughline"}


def test_rows_that_got_lost_stop_a_measurement(tmp_path: Path) -> None:
    truth = files.make(tmp_path, 100)
    with pytest.raises(AssertionError, match="other rows"):
        files.checked((101, truth), partial(files.polars, tmp_path, "parquet"))


def test_realtime_measures_itself() -> None:
    result = realtime.measure(QUICK)
    for name, listeners in ((realtime.ALL, 200), (realtime.SPREAD, 20)):
        [sample] = result.samples[name]
        assert sample.facts["delivered"] == listeners * sample.facts["written"] > 0
    faults = [bar for bar in result.bars if "ms" not in bar.text and "MB" not in bar.text]
    assert [bar.value for bar in faults] == [0] * 4


def test_serve_measures_itself_while_releases_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_small(Home(tmp_path / "elsewhere").create().releases, tmp_path)
    without = {name: ask for name, ask in asked.ENDPOINTS.items() if name != "metrics/query"}
    monkeypatch.setattr(asked, "ENDPOINTS", without)  # the small release defines no metrics
    result = serve.measure_on(tmp_path / "warehouse-1.duckdb", None, QUICK)
    assert result.facts["failures"] == []
    assert result.facts["publishes"] >= 1
    assert result.samples["304"][0].facts["by_endpoint"].keys() == without.keys()
