"""Versions of models on disk, and which of them answers.

`<root>/<question>/<tenant>/<version>/` holds `artifact.skops` and `card.json`, written aside and renamed once complete;
a refusal is a card alone. The file `champion` lists promoted versions, newest first: its first line answers, the others
are where a rollback or a damaged artifact falls back to. Artifacts are skops, never pickle.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from ml.gate import Decision
from ml.terms import Context, Refused, State, Trained
from warehouse.settings import fsync_folder, locked, write_atomic

TRUSTED = ("numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
"""Types an artifact may hold beyond those that skops itself knows to be harmless."""
LIBRARIES = ("numpy", "polars", "prophet", "scikit-learn", "skops", "statsmodels")
KEPT_VERSIONS = 20
KEPT_CHAMPIONS = 10
ABANDONED_AFTER_S = 3600


FORMAT = 1
"""How states are laid out; raised when a model's ``from_state`` can no longer read what an older release wrote."""


class UnsoundModel(Exception):
    """A version is missing, damaged, from another library generation, or holds a type nobody trusts."""


class NoModel(LookupError):
    """No sound version was ever promoted for this question and tenant."""


@dataclass(frozen=True)
class Model:
    """A version read back. `notice` says when it stands in for a damaged champion."""

    question: str
    tenant_id: str
    version: str
    state: State
    card: Mapping[str, Any]
    notice: str | None = None


class Registry:
    """All versions under one folder. Writers of one question and tenant wait for each other; readers never do."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(
        self,
        outcome: Trained | Refused,
        context: Context,
        *,
        trained_at: datetime,
        decision: Decision | None = None,
    ) -> str:
        """Write a version, or a refusal, and return its name. It answers only once promoted."""
        folder = self._folder(outcome.question, context.tenant_id)
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / f".aside-{uuid4().hex}"
        aside.mkdir()
        try:
            card = _card(outcome, context, trained_at, decision)
            if isinstance(outcome, Trained):
                artifact = _dump(outcome.state)
                card["artifact_sha256"] = hashlib.sha256(artifact).hexdigest()
                write_atomic(aside / "artifact.skops", artifact)
            version = f"{trained_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_digest(card)}"
            write_atomic(aside / "card.json", json.dumps({"version": version} | card, indent=1).encode())
            if not (folder / version).exists():  # the very same refusal, twice in a second
                aside.rename(folder / version)
                fsync_folder(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return version

    def promote(self, question: str, tenant_id: str, version: str) -> None:
        """Let `version` answer. Raises UnsoundModel if it cannot be loaded."""
        self._read(question, tenant_id, version)
        folder = self._folder(question, tenant_id)
        with locked(folder / ".lock"):
            others = [name for name in self._champions(question, tenant_id) if name != version]
            self._point(folder, [version, *others])

    def rollback(self, question: str, tenant_id: str) -> str:
        """Let the newest sound version promoted before the present one answer, and return its name.

        Raises
        ------
        NoModel
            If there is none; the present one stays.
        """
        folder = self._folder(question, tenant_id)
        with locked(folder / ".lock") if folder.exists() else _nothing_there(question, tenant_id):
            earlier = self._champions(question, tenant_id)[1:]
            for place, name in enumerate(earlier):
                try:
                    self._read(question, tenant_id, name)
                except UnsoundModel:
                    continue
                self._point(folder, earlier[place:])
                return name
        raise NoModel(f"no earlier sound version of {question} for tenant {tenant_id}")

    def champion(self, question: str, tenant_id: str) -> str | None:
        """The version that is to answer, sound or not."""
        return next(iter(self._champions(question, tenant_id)), None)

    def load(self, question: str, tenant_id: str) -> Model:
        """The champion; if it is damaged the newest sound one before it, with a notice that says so.

        Raises
        ------
        NoModel
            If nothing was promoted or nothing promoted is sound; the message names each damage.
        """
        damages: list[str] = []
        for name in self._champions(question, tenant_id):
            try:
                state, card = self._read(question, tenant_id, name)
            except UnsoundModel as damage:
                damages.append(str(damage))
                continue
            notice = f"{'; '.join(damages)}; version {name} answers instead" if damages else None
            return Model(question, tenant_id, name, state, card, notice)
        said = f": {'; '.join(damages)}" if damages else ""
        raise NoModel(f"no sound version of {question} for tenant {tenant_id}{said}")

    def history(self, question: str, tenant_id: str) -> list[dict[str, Any]]:
        """Cards of all versions and refusals, newest first, each with `is_champion`; unreadable cards say so."""
        folder, champion = self._folder(question, tenant_id), self.champion(question, tenant_id)
        cards = []
        for place in sorted(folder.glob("[0-9]*"), reverse=True) if folder.exists() else []:
            try:
                card = _read_card(place)
            except UnsoundModel as damage:
                card = {
                    "version": place.name,
                    "question": question,
                    "tenant_id": tenant_id,
                    "unsound": str(damage),
                }
            cards.append(card | {"is_champion": place.name == champion})
        return cards

    def model_cards(self, tenant_id: str) -> pl.DataFrame:
        """`ml.model_cards`: every readable card of a tenant; `metrics`, `baseline` and `card` are JSON."""
        questions = sorted(path.name for path in self.root.iterdir()) if self.root.exists() else []
        cards = [card for question in questions for card in self.history(question, tenant_id)]
        rows = [
            {
                "tenant_id": tenant_id,
                **{name: card[name] for name in ("question", "version", "is_champion")},
                "trained_at": datetime.fromisoformat(card["trained_at"]),
                "data_until": datetime.fromisoformat(card["data_until"]).date(),
                **{name: json.dumps(card[name]) for name in ("metrics", "baseline")},
                "card": json.dumps(card),
            }
            for card in cards
            if "unsound" not in card
        ]
        return pl.DataFrame(rows, schema=CARD_COLUMNS)

    def expire(self, question: str, tenant_id: str, *, keep: int = KEPT_VERSIONS) -> list[str]:
        """Delete all but the newest `keep` versions, never one that a rollback may need; return what went."""
        folder = self._folder(question, tenant_id)
        if not folder.exists():
            return []
        with locked(folder / ".lock"):
            needed = set(self._champions(question, tenant_id))
            old = sorted((path.name for path in folder.glob("[0-9]*")), reverse=True)[keep:]
            gone = [name for name in old if name not in needed]
            abandoned = [
                p for p in folder.glob(".aside-*") if time.time() - p.stat().st_mtime > ABANDONED_AFTER_S
            ]
            for path in [*(folder / name for name in gone), *abandoned]:
                shutil.rmtree(path)
        return gone

    def _champions(self, question: str, tenant_id: str) -> list[str]:
        try:
            return (self._folder(question, tenant_id) / "champion").read_text().split()
        except FileNotFoundError:
            return []

    def _point(self, folder: Path, names: list[str]) -> None:
        write_atomic(folder / "champion", ("\n".join(names[:KEPT_CHAMPIONS]) + "\n").encode())

    def _read(self, question: str, tenant_id: str, version: str) -> tuple[State, dict[str, Any]]:
        place = self._folder(question, tenant_id) / _plain(version)
        card = _read_card(place)
        if (card.get("question"), card.get("tenant_id")) != (question, tenant_id):
            raise UnsoundModel(f"version {version} belongs to another question or tenant")
        if card.get("format") != FORMAT:
            raise UnsoundModel(f"version {version} was written by another release of this package")
        generation = _generation(card.get("libraries", {}).get("scikit-learn", ""))
        if generation != _generation(installed("scikit-learn")):
            raise UnsoundModel(f"version {version} was made with scikit-learn {generation}")
        try:
            artifact = (place / "artifact.skops").read_bytes()
        except OSError as error:
            raise UnsoundModel(f"version {version} has no readable artifact") from error
        if hashlib.sha256(artifact).hexdigest() != card.get("artifact_sha256"):
            raise UnsoundModel(f"version {version} has a damaged artifact (checksum)")
        return _load(artifact, version), card

    def _folder(self, question: str, tenant_id: str) -> Path:
        return self.root / _plain(question) / _plain(tenant_id)


CARD_COLUMNS: dict[str, Any] = {
    "tenant_id": pl.String,
    "question": pl.String,
    "version": pl.String,
    "is_champion": pl.Boolean,
    "trained_at": pl.Datetime("us", "UTC"),
    "data_until": pl.Date,
    "metrics": pl.String,
    "baseline": pl.String,
    "card": pl.String,
}


def _card(
    outcome: Trained | Refused, context: Context, trained_at: datetime, decision: Decision | None
) -> dict[str, Any]:
    trained = outcome if isinstance(outcome, Trained) else None
    return {
        "question": outcome.question,
        "tenant_id": context.tenant_id,
        "trained_at": trained_at.astimezone(UTC).isoformat(),
        "as_of": context.as_of_utc.isoformat(),
        "data_until": (trained.data_until if trained else context.as_of_utc).isoformat(),
        "data_release": context.data_release,
        "seed": context.seed,
        "format": FORMAT,
        "libraries": {name: installed(name) for name in LIBRARIES},
        "metrics": dict(trained.metrics) if trained else {},
        "baseline": dict(trained.baseline) if trained else {},
        "split": dict(trained.split) if trained else {},
        "verdict": trained.verdict if trained else None,
        "refused": None if trained else getattr(outcome, "reason", None),
        "gate": {"promoted": decision.promote, "why": decision.why} if decision else None,
    }


def _dump(state: State) -> bytes:
    import skops.io

    return bytes(skops.io.dumps(state))


def _load(artifact: bytes, version: str) -> State:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        state: State = skops.io.loads(artifact, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise UnsoundModel(f"version {version} holds a type nobody trusts: {error}") from error
    return state


def _read_card(place: Path) -> dict[str, Any]:
    try:
        card = json.loads((place / "card.json").read_text())
        if not isinstance(card, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise UnsoundModel(f"version {place.name} is missing or its card is damaged") from error
    content = {name: value for name, value in card.items() if name != "version"}
    if card.get("version") != place.name or _digest(content) != place.name.rpartition("-")[2]:
        raise UnsoundModel(f"version {place.name} has a card that is damaged or another version's")
    return dict(card)


def _digest(card: Mapping[str, Any]) -> str:
    """A version is named after its card, which in turn holds the artifact's checksum."""
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()[:8]


def _generation(release: str) -> str:
    return ".".join(release.split(".")[:2])


def _plain(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"not a name for a folder: {name!r}")
    return name


def _nothing_there(question: str, tenant_id: str) -> Any:
    raise NoModel(f"no earlier sound version of {question} for tenant {tenant_id}")
