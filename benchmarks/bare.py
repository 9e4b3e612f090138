"""The limit of serving: Starlette routes that return bytes known beforehand (``BENCH_ANSWERS``: a JSON file)."""

import json
import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWERS = {
    target: body.encode()
    for target, body in json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text()).items()
}


def _route(path: str, body: bytes) -> Route:
    async def answer(request: Request) -> Response:
        return Response(body, media_type="application/json")

    return Route(path, answer, methods=["GET", "POST"])


app = Starlette(routes=[_route(path, body) for path, body in ANSWERS.items()])
