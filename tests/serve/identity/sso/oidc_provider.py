"""An OpenID provider as a process of its own: discovery, keys, authorize, token, userinfo; and any mistake it is told.

``python -m tests.serve.identity.sso.oidc_provider`` prints its address. It keeps to the protocol as a provider would:
redirect addresses, client secrets, PKCE and codes are checked. What it says next, and how it goes wrong, is told by
``PUT /plan``.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import socket
import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "throughline", "a secret between two"

app = FastAPI()


class State:
    issuer = ""
    plan: dict[str, Any] = {}  # noqa: RUF012
    codes: dict[str, dict[str, str]] = {}  # noqa: RUF012
    keys: list[Any] = []  # noqa: RUF012
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    asked: dict[str, int] = {}  # noqa: RUF012


def new_key(kind: str, kid: str) -> Any:
    parameters = {"kid": kid, "use": "sig"}
    return ECKey.generate_key("P-256", parameters) if kind == "EC" else RSAKey.generate_key(2048, parameters)


def count(what: str) -> None:
    State.asked[what] = State.asked.get(what, 0) + 1


@app.put("/plan")
async def plan(request: Request) -> dict[str, Any]:
    """What is said from now on: the claims, and what is wrong with them."""
    State.plan = await request.json()
    State.asked = {}
    if kind := State.plan.get("rotate"):
        State.keys = [new_key(kind, secrets.token_hex(4))]
    return {}


@app.get("/asked")
async def asked() -> dict[str, int]:
    return State.asked


@app.get("/.well-known/openid-configuration")
async def discovery() -> Response:
    count("discovery")
    if "discovery_raw" in State.plan:
        return Response(State.plan["discovery_raw"], media_type="application/json")
    said = {
        "issuer": State.issuer,
        "authorization_endpoint": f"{State.issuer}/authorize",
        "token_endpoint": f"{State.issuer}/token",
        "jwks_uri": f"{State.issuer}/keys",
        "userinfo_endpoint": f"{State.issuer}/userinfo",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    }
    return JSONResponse(said | State.plan.get("discovery", {}))


@app.get("/keys")
async def keys() -> dict[str, Any]:
    count("keys")
    return {"keys": State.plan.get("keys") or [key.as_dict(private=False) for key in State.keys]}


@app.get("/authorize")
async def authorize(request: Request) -> Response:
    count("authorize")
    asked = dict(request.query_params)
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["code_challenge_method"] == "S256"
    assert "openid" in asked["scope"].split()
    assert asked["nonce"]
    if error := State.plan.get("error"):
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode({'error': error, 'state': asked['state']})}", 303
        )
    code = secrets.token_urlsafe(16)
    State.codes[code] = asked
    answer = {"code": code, "state": asked["state"], "iss": State.issuer, "session_state": "x"}
    answer |= State.plan.get("answer", {})
    answer = {name: value for name, value in answer.items() if name not in State.plan.get("unsaid", ())}
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)


@app.post("/token")
async def token(request: Request) -> Response:
    count("token")
    if "token" in State.plan:
        status, body = State.plan["token"]
        return Response(body, status, media_type="application/json")
    form = dict(await request.form())
    asked = State.codes.pop(str(form.get("code")), None)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    who = (
        base64.b64decode(given).decode()
        if scheme == "Basic"
        else f"{form.get('client_id')}:{form.get('client_secret')}"
    )
    if who != f"{CLIENT_ID}:{CLIENT_SECRET}":
        return JSONResponse({"error": "invalid_client"}, 401)
    challenge = create_s256_code_challenge(str(form.get("code_verifier")))
    if (
        asked is None
        or asked["redirect_uri"] != form.get("redirect_uri")
        or asked["code_challenge"] != challenge
    ):
        return JSONResponse({"error": "invalid_grant"}, 400)
    return JSONResponse(
        {"access_token": "opaque", "token_type": "Bearer", "id_token": id_token(asked["nonce"])}
    )


@app.get("/userinfo")
async def userinfo(request: Request) -> dict[str, Any]:
    count("userinfo")
    assert request.headers["authorization"] == "Bearer opaque"
    return State.plan.get("userinfo", {"sub": State.plan.get("claims", {}).get("sub")})


def id_token(nonce: str) -> str:
    plan, now = State.plan, int(time.time())
    claims = {"iss": State.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
    claims |= plan.get("claims", {})
    claims = {name: value for name, value in claims.items() if name not in plan.get("without", ())}
    if "raw" in plan:
        return str(plan["raw"])
    key = State.keys[0]
    header = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "kid": key.kid} | plan.get("header", {})
    how = plan.get("signed", "rightly")
    if how == "not":
        return f"{encoded(header | {'alg': 'none'})}.{encoded(claims)}."
    if how == "with the public key":
        said = f"{encoded(header | {'alg': 'HS256'})}.{encoded(claims)}"
        mark = hmac.digest(key.as_pem(private=False), said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"
    if how == "by hand":
        said = f"{encoded(header)}.{encoded(claims)}"
        mark = key.private_key.sign(said.encode(), PKCS1v15(), SHA256())
        return f"{said}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"
    if how == "with the client's secret":
        return jwt.encode(
            {**header, "alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"]
        )
    if how == "by a stranger":
        return jwt.encode({**header, "alg": "RS256"}, claims, State.stranger)
    if how == "by a key in the token":
        ours = State.stranger.as_dict(private=False)
        return jwt.encode({**header, "alg": "RS256", "jwk": ours, "kid": "one"}, claims, State.stranger)
    made = jwt.encode(header, claims, key)
    if how == "then changed":
        first, _, last = made.split(".")
        return f"{first}.{encoded(claims | {'sub': 'somebody-else'})}.{last}"
    if how == "then cut":
        return made[:-10]
    return made


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    State.issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
    State.keys = [new_key("RSA", "one")]
    print(State.issuer, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
