"""How long until there is something: the API's first answer, its document, the pipeline's definitions."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, interleave
from benchmarks.processes import Sample, highest_mb
from benchmarks.servers import uvicorn
from warehouse.settings import Home


def measure(options: Options) -> Result:
    """Whole processes from a warm disk. The API needs no database for its first answer."""
    result = Result("startup", "from the start of a process", limit="Starlette, first 200")
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as folder:
        home = Home(folder).create()
        answers_file = home.root / "answers.json"
        answers_file.write_text(json.dumps({"/": "{}"}))
        env = {"THROUGHLINE_HOME": folder, "BENCH_ANSWERS": str(answers_file)}
        throughline = Path(sys.executable).with_name("throughline")
        definitions = [sys.executable, "-c", "import pipelines.definitions"]
        variants = {
            "Starlette, first 200": partial(first_answer, "benchmarks.bare:app", "/", env),
            "API, first 200": partial(first_answer, "serve.app:create_app", "/health/live", env, "--factory"),
            "throughline openapi": partial(_document, throughline, env),
            "import dagster": partial(processes.run, [sys.executable, "-c", "import dagster"], env=env),
            "import pipelines.definitions": partial(processes.run, definitions, env=env),
        }
        processes.run(definitions, env=env)  # parses the dbt project, once for an installation
        interleave(result, variants, rounds=options.rounds or (1 if options.quick else 5))
    result.facts = {
        "api_times_starlette": result.ratio("API, first 200", "Starlette, first 200"),
        "definitions_times_dagster": result.ratio("import pipelines.definitions", "import dagster"),
    }
    result.bars = [
        Bar("API to its first 200, s", result.median_s("API, first 200"), most=4),
        Bar("API's peak memory until then, MB", result.peak_mb("API, first 200"), most=250),
    ]
    return result


def first_answer(app: str, path: str, env: dict[str, str], *flags: str) -> Sample:
    import psutil

    log = Path(os.devnull)
    with uvicorn(app, path, log, env, *flags) as server:
        return Sample(server.first_answer_s, highest_mb(psutil.Process(server.pid)))


def _document(throughline: Path, env: dict[str, str]) -> Sample:
    sample = processes.run([throughline, "openapi"], env=env)
    return Sample(sample.seconds, sample.peak_mb)
