"""OpenID Connect: what a provider says of itself, where people are sent, and what an answer is worth.

Code, state, nonce and PKCE; the identity token's signature by the provider's own keys, with algorithms of a list. The
library reads and checks tokens and claims; every request goes through the door. No token of a provider is kept.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

from serve.identity.sso.addresses import is_address
from serve.identity.sso.errors import SsoAnswerRefused
from serve.kernel.errors import OutsideFailed, OutsideSlow
from serve.ports.out import AddressRefused, Answer, Door, Limits, OutError, Unanswered, Unreachable

SERVICE = "The identity provider"
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""With a public key, all of them: a secret that both know would let us, or a thief of ours, make tokens."""
KEY_TYPES = frozenset({"RSA", "EC", "OKP"})
LEAST_RSA_BITS = 2048
SKEW_S = 60
KNOWN_S = 600.0
MOST_KNOWN = 1000
LIMITS = Limits(within_s=10.0, most_bytes=500_000, redirects=0)


@dataclass(frozen=True, slots=True)
class Provider:
    """What was discovered."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    keys: KeySet
    names_itself: bool
    """In each answer (RFC 9207), so that one without a name comes from somebody else."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to a provider."""

    issuer: str
    client_id: str
    client_secret: str
    client_auth: str
    scopes: tuple[str, ...]
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """Of one attempt: what ties the answer to the question."""

    state: str
    nonce: str
    verifier: str


class Oidc:
    """Providers by their issuer, remembered for some minutes; keys that are not known are asked for once more."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[str, tuple[Provider, float]] = {}

    async def begin(self, client: Client, secrets: Secrets, hint: str | None) -> str:
        """Where the browser is sent. Raises OutsideFailed or OutsideSlow."""
        provider = await self.provider(client.issuer)
        url: str = prepare_grant_uri(
            provider.authorization_endpoint,
            client.client_id,
            "code",
            redirect_uri=client.redirect_uri,
            scope=" ".join(dict.fromkeys(("openid", *client.scopes))),
            state=secrets.state,
            nonce=secrets.nonce,
            code_challenge=create_s256_code_challenge(secrets.verifier),
            code_challenge_method="S256",
            login_hint=hint,
        )
        return url

    async def exchange(
        self, client: Client, secrets: Secrets, code: str, issuer: str | None
    ) -> dict[str, Any]:
        """What the provider gives for its code; ``issuer`` is who answered, if that was said.

        Raises SsoAnswerRefused, OutsideFailed or OutsideSlow.
        """
        provider = await self.provider(client.issuer)
        if issuer != client.issuer and (issuer is not None or provider.names_itself):
            raise SsoAnswerRefused("it comes from another provider")
        return await self._exchange(client, provider, secrets, code)

    async def claims(
        self, client: Client, secrets: Secrets, tokens: Mapping[str, Any], wanted: Collection[str]
    ) -> dict[str, Any]:
        """What the provider says about who brought the code: in the identity token, and beside it where some of what
        is ``wanted`` is not in there. Raises SsoAnswerRefused, OutsideFailed or OutsideSlow.
        """
        provider = await self.provider(client.issuer)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise SsoAnswerRefused("there is no identity token")
        claims = await self._checked(client, provider, secrets, id_token, access_token)
        is_thin = any(name not in claims for name in wanted)
        if is_thin and provider.userinfo_endpoint and isinstance(access_token, str):
            more = await self._userinfo(provider.userinfo_endpoint, access_token)
            if more.get("sub") != claims["sub"]:
                raise SsoAnswerRefused("it speaks of two people")
            claims = together(claims, more)
        return claims

    async def provider(self, issuer: str, *, anew: bool = False) -> Provider:
        """Raises OutsideFailed or OutsideSlow."""
        known = self._known.get(issuer)
        if known is not None and not anew and time.monotonic() - known[1] < KNOWN_S:
            return known[0]
        found = await self._json(get_well_known_url(issuer, external=True))
        if found.get("issuer") != issuer:
            raise OutsideFailed(SERVICE, f"{SERVICE} says that it is another one.")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(_is_at_least(issuer, found.get(name)) for name in needed):
            raise OutsideFailed(SERVICE, f"{SERVICE} does not say where to ask.")
        userinfo = found.get("userinfo_endpoint")
        provider = Provider(
            issuer,
            *(found[name] for name in needed),
            userinfo if _is_at_least(issuer, userinfo) else None,
            await self._keys(found["jwks_uri"]),
            found.get("authorization_response_iss_parameter_supported") is True,
        )
        self._remember(provider)
        return provider

    def forget(self, issuer: str) -> None:
        self._known.pop(issuer, None)

    def _remember(self, provider: Provider) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[provider.issuer] = provider, time.monotonic()

    async def _keys(self, url: str) -> KeySet:
        """The provider's public keys; those that cannot be used are passed over."""
        found = (await self._json(url)).get("keys")
        keys = []
        for each in found[:50] if isinstance(found, list) else ():
            try:
                if each.get("kty") in KEY_TYPES and each.get("use", "sig") == "sig":
                    key = JWKRegistry.import_key(each)
                    if each["kty"] != "RSA" or key.public_key.key_size >= LEAST_RSA_BITS:
                        keys.append(key)
            except (JoseError, ValueError, TypeError, LookupError, AttributeError):
                continue
        if not keys:
            raise OutsideFailed(SERVICE, f"{SERVICE} has no keys that signatures could be checked with.")
        return KeySet(keys)

    async def _exchange(
        self, client: Client, provider: Provider, secrets: Secrets, code: str
    ) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=client.redirect_uri,
            code=code,
            code_verifier=secrets.verifier,
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        auth = ClientAuth(client.client_id, client.client_secret, client.client_auth)
        url, headers, body = auth.prepare("POST", provider.token_endpoint, headers, body)
        answer = await self._send("POST", url, headers, body.encode())
        if 400 <= answer.status < 500:
            raise SsoAnswerRefused("it does not take its own code")
        return _object(answer)

    async def _checked(
        self, client: Client, provider: Provider, secrets: Secrets, id_token: str, access_token: Any
    ) -> dict[str, Any]:
        """The claims of the token. Raises SsoAnswerRefused."""
        try:
            try:
                token = jwt.decode(id_token, provider.keys, algorithms=ALGORITHMS)
            except InvalidKeyIdError:  # the provider has changed its keys
                provider = replace(provider, keys=await self._keys(provider.jwks_uri))
                self._remember(provider)
                token = jwt.decode(id_token, provider.keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": client.issuer},
                    "sub": {"essential": True},
                    "aud": {"essential": True, "value": client.client_id},
                },
                {"nonce": secrets.nonce, "client_id": client.client_id, "access_token": access_token},
            )
            claims.validate(leeway=SKEW_S)
        except (JoseError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise SsoAnswerRefused(_why(error)) from error
        return dict(claims)

    async def _userinfo(self, url: str, access_token: str) -> dict[str, Any]:
        if not (access_token.isascii() and access_token.isprintable()):
            raise SsoAnswerRefused("its access token is none")
        answer = await self._send(
            "GET", url, {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}, None
        )
        return _object(answer)

    async def _json(self, url: str) -> dict[str, Any]:
        return _object(await self._send("GET", url, {"Accept": "application/json"}, None))

    async def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        try:
            return await self._door.send(method, url, headers=headers, content=content, limits=LIMITS)
        except AddressRefused as error:
            raise OutsideFailed(SERVICE, f"{SERVICE} cannot be called: {error}.") from error
        except (Unreachable, Unanswered) as error:
            raise (OutsideSlow(SERVICE) if error.was_slow else OutsideFailed(SERVICE)) from error
        except OutError as error:
            raise OutsideFailed(SERVICE) from error


def together(claims: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The token's claims and those of the userinfo; the token's count first.

    ``email_verified`` is said of the address beside it: it never comes to stand beside another one.

    >>> together({"email": "a@x.example"}, {"email": "b@x.example", "email_verified": True})
    {'email': 'a@x.example'}
    """
    both = {**more, **claims}
    if more.get("email") != claims.get("email"):
        whose = claims if "email" in claims else more
        both.pop("email_verified", None)
        if "email_verified" in whose:
            both["email_verified"] = whose["email_verified"]
    return both


def _is_at_least(issuer: str, url: Any) -> bool:
    """Whether it is an address of the web, over HTTPS unless the provider itself is not."""
    return is_address(url, plain_too=not issuer.startswith("https://"))


def _object(answer: Answer) -> dict[str, Any]:
    """Raises OutsideFailed for whatever is no JSON object."""
    try:
        found = orjson.loads(answer.body) if answer.status == 200 else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise OutsideFailed(SERVICE, f"{SERVICE} answers in a way that is not understood.")
    return found


_WHY = {
    "bad_signature": "its signature is wrong",
    "unsupported_algorithm": "it is signed in a way that is not taken",
    "expired_token": "it is too old",
    "invalid_key_id": "it is signed with a key that the provider does not show",
    "invalid_token": "it is not valid yet",
}


def _why(error: Exception) -> str:
    """In words of ours: those of the library may repeat what was sent."""
    if isinstance(error, JoseError):
        if error.error in ("invalid_claim", "missing_claim"):
            claim = getattr(error, "claim", None) or ""
            named = claim in (
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "nbf",
                "nonce",
                "azp",
                "at_hash",
                "auth_time",
                "amr",
            )
            return f"its claim {claim} is not right" if named else "a claim is not right"
        return _WHY.get(error.error, "it is no token that could be read")
    return "it is no token that could be read"
