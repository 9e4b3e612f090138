"""SAML: our metadata, where people are sent, and what a posted answer is worth.

The library verifies the signature, issuer, audience and times, and gives nothing but the element that was signed. What
it leaves open is checked here, on that element: for whom, where to, in answer to what, and that nothing else is in the
document that somebody might take for it. Requests are not signed, and encrypted assertions are not read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from minisaml.errors import (
    AudienceMismatch,
    IssuerMismatch,
    MiniSAMLError,
    ResponseExpired,
    ResponseTooEarly,
)
from minisaml.request import get_request_redirect_url
from minisaml.response import Response, TimeDriftLimits, validate_response
from minisignxml.config import VerifyConfig
from minisignxml.errors import CertificateMismatch, MiniSignXMLError, UnsupportedAlgorithm, VerificationFailed
from minisignxml.verify import extract_verified_element_and_certificate

from serve.identity.sso.errors import SsoAnswerRefused, SsoProviderRefused
from serve.kernel.errors import Invalid

SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
MOST_BYTES = 256_000
"""Of an answer, and of metadata."""
SKEW = timedelta(seconds=60)
LONGEST = timedelta(hours=1)
"""An assertion that may be shown for longer is refused: we remember each until its end."""
LEAST_RSA_BITS = 2048
_BAD = (MiniSAMLError, MiniSignXMLError, etree.LxmlError, ValueError, LookupError, TypeError, AttributeError)
"""What the libraries raise about documents that are not as they should be."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must name."""

    issuer: str
    certificates: tuple[str, ...]
    audience: str
    acs_url: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """What was signed, checked but for whether we have asked, and whether it was shown before."""

    hash: bytes
    in_response_to: str | None
    ends_at: datetime
    values: dict[str, Any]


def ask_url(sso_url: str, *, audience: str, acs_url: str, request_id: str) -> str:
    """Where the browser is sent with our request."""
    return get_request_redirect_url(
        saml_endpoint=sso_url, expected_audience=audience, acs_url=acs_url, request_id=request_id
    )


def metadata(*, audience: str, acs_url: str) -> bytes:
    """Who we are, for the provider's administrator."""
    root = etree.Element(f"{MD}EntityDescriptor", nsmap={None: MD[1:-1]}, entityID=audience)
    ours = etree.SubElement(
        root,
        f"{MD}SPSSODescriptor",
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=SAMLP[1:-1],
    )
    etree.SubElement(
        ours, f"{MD}AssertionConsumerService", Binding=POST, Location=acs_url, index="0", isDefault="true"
    )
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def read_metadata(text: str) -> dict[str, Any]:
    """Entity, address and certificates of a provider. Raises Invalid."""
    field = "configuration.metadata_xml"
    try:
        root = parsed(text.encode())
        entity = root if root.tag == f"{MD}EntityDescriptor" else root.find(f".//{MD}EntityDescriptor")
        provider = entity.find(f"{MD}IDPSSODescriptor")
        services = provider.findall(f"{MD}SingleSignOnService")
        urls = [each.get("Location") for each in services if each.get("Binding") == REDIRECT]
        keys = [
            key for key in provider.findall(f"{MD}KeyDescriptor") if key.get("use", "signing") == "signing"
        ]
        found = {
            "entity_id": entity.attrib["entityID"],
            "sso_url": urls[0],
            "certificates": [
                each.text for key in keys for each in key.iter(f"{DS}X509Certificate") if each.text
            ],
        }
    except (SsoAnswerRefused, *_BAD) as error:
        raise Invalid(
            details=[(field, "must be the metadata of one identity provider with the redirect binding")]
        ) from error
    if not found["certificates"]:
        raise Invalid(details=[(field, "must have a certificate for signatures")])
    return found


def certificate(text: str) -> x509.Certificate:
    """Of PEM, or of its inner part alone. Raises ValueError with what is wrong."""
    inner = "".join(line for line in text.splitlines() if "-----" not in line)
    try:
        found = x509.load_der_x509_certificate(base64.b64decode("".join(inner.split()), validate=True))
        key = found.public_key()
    except (ValueError, TypeError, binascii.Error) as error:
        raise ValueError("must be an X.509 certificate as PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_RSA_BITS:
        raise ValueError(f"must have an RSA key of at least {LEAST_RSA_BITS} bits")
    return found


def pem(found: x509.Certificate) -> str:
    return found.public_bytes(Encoding.PEM).decode()


def parsed(document: bytes) -> Any:
    """The document's root. Raises SsoAnswerRefused for what is too large, no XML, or has more than elements in it."""
    if len(document) > MOST_BYTES:
        raise SsoAnswerRefused("it is too large")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        document.decode("utf-8")
        root = etree.fromstring(document, parser)
    except (etree.LxmlError, ValueError) as error:
        raise SsoAnswerRefused("it is no XML that could be read") from error
    if root.getroottree().docinfo.doctype or any(not isinstance(each.tag, str) for each in root.iter()):
        raise SsoAnswerRefused("it has a document type, comments or instructions in it")
    return root


def read(sent: str, expected: Expected, now: datetime | None = None) -> Assertion:
    """What the provider says in a posted answer. Raises SsoAnswerRefused or SsoProviderRefused."""
    now = now or datetime.now(UTC)
    try:
        document = base64.b64decode("".join(sent.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SsoAnswerRefused("it is not what a provider posts") from error
    document = _prepared(document, expected)
    trusted = {certificate(each) for each in expected.certificates}
    try:
        response = validate_response(
            data=base64.b64encode(document),
            certificate=trusted,
            expected_audience=expected.audience,
            idp_issuer=expected.issuer,
            signature_verification_config=VerifyConfig.default(),  # SHA-256 alone
            allowed_time_drift=TimeDriftLimits(not_before_max_drift=SKEW, not_on_or_after_max_drift=SKEW),
        )
        signed, _ = extract_verified_element_and_certificate(xml=document, certificates=trusted)
        return _checked(signed, response, expected, now)
    except _BAD as error:
        raise SsoAnswerRefused(_why(error)) from error


def _prepared(document: bytes, expected: Expected) -> bytes:
    """The document with one signature, over what we read: the assertion's own, where the answer has one beside it.

    A signed answer holds the same assertion that is signed inside of it, so taking the outer signature away takes
    nothing on trust: whatever is read afterwards is what the inner one covers.
    """
    root = parsed(document)
    if root.tag != f"{SAMLP}Response":
        raise SsoAnswerRefused("it is no answer to a sign-in")
    code = root.find(f"{SAMLP}Status/{SAMLP}StatusCode")
    if code is None or code.get("Value") != SUCCESS:
        raise SsoProviderRefused
    if next(root.iter(f"{SAML}EncryptedAssertion"), None) is not None:
        raise SsoAnswerRefused(
            "its assertion is encrypted, which is not supported; switch that off at the provider"
        )
    assertions = list(root.iter(f"{SAML}Assertion"))
    if len(assertions) != 1 or assertions[0].getparent() is not root:
        raise SsoAnswerRefused("it must hold exactly one assertion")
    names = [each.get("ID") for each in root.iter() if each.get("ID") is not None]
    if len(names) != len(set(names)):
        raise SsoAnswerRefused("two of its parts have one name")
    outer = root.findall(f"{DS}Signature")
    inner = assertions[0].findall(f"{DS}Signature")
    every = list(root.iter(f"{DS}Signature"))
    if not every:
        raise SsoAnswerRefused("it is not signed")
    if len(outer) > 1 or len(inner) > 1 or len(every) != len(outer) + len(inner):
        raise SsoAnswerRefused("it has signatures in other places than they belong")
    destination = root.get("Destination")
    if destination != expected.acs_url and (destination is not None or outer):
        raise SsoAnswerRefused("it was sent to somebody else")
    if not (outer and inner):
        return document
    _take_out(outer[0])
    return bytes(etree.tostring(root))


def _checked(signed: Any, response: Response, expected: Expected, now: datetime) -> Assertion:
    """What the library leaves open. Raises SsoAnswerRefused, and the library's own errors."""
    assertion = signed if signed.tag == f"{SAML}Assertion" else signed.find(f"{SAML}Assertion")
    confirmation = assertion.find(f"{SAML}Subject/{SAML}SubjectConfirmation")
    data = confirmation.find(f"{SAML}SubjectConfirmationData")
    if assertion.find(f"{SAML}Subject/{SAML}NameID").get("Format") == TRANSIENT:
        raise SsoAnswerRefused("its name of you is another one each time; a lasting one is needed")
    if confirmation.get("Method") != BEARER:
        raise SsoAnswerRefused("it is not for whoever brings it")
    if data.get("Recipient") != expected.acs_url:
        raise SsoAnswerRefused("it was made for somebody else")
    if data.get("NotBefore") is not None:
        raise SsoAnswerRefused("its confirmation must not begin later")
    ends = [_moment(data.attrib["NotOnOrAfter"])]
    ends.append(_moment(assertion.find(f"{SAML}Conditions").attrib["NotOnOrAfter"]))
    statement = assertion.find(f"{SAML}AuthnStatement")
    if statement.get("SessionNotOnOrAfter"):
        ends.append(_moment(statement.get("SessionNotOnOrAfter")))
    if min(ends) + SKEW <= now:
        raise SsoAnswerRefused("it is too old")
    if max(ends[:2]) > now + LONGEST:
        raise SsoAnswerRefused("it would be good for too long")
    if signed is not assertion and signed.get("InResponseTo") not in (None, response.in_response_to):
        raise SsoAnswerRefused("it answers two questions")
    named: dict[str, Any] = {}
    for attribute in response.attributes:
        named.setdefault(attribute.name, []).extend(value for value in attribute.values if value)
    values: Mapping[str, Any] = named | {"sub": response.name_id, "name_id": response.name_id}
    return Assertion(
        hash=sha256(assertion.attrib["ID"].encode()).digest(),
        in_response_to=response.in_response_to,
        ends_at=max(ends[:2]) + SKEW,
        values=dict(values),
    )


def _take_out(element: Any) -> None:
    """With the text behind it left where it is."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_WHY: tuple[tuple[type[Exception], str], ...] = (
    (CertificateMismatch, "it is signed with a certificate that this connection does not know"),
    (VerificationFailed, "its signature is wrong"),
    (UnsupportedAlgorithm, "it is signed in a way that is not taken"),
    (AudienceMismatch, "it was made for another audience"),
    (IssuerMismatch, "it comes from another provider"),
    (ResponseExpired, "it is too old"),
    (ResponseTooEarly, "it is not valid yet"),
)


def _why(error: Exception) -> str:
    return next((why for kind, why in _WHY if isinstance(error, kind)), "it is not as answers are")


def ending(certificates: Collection[str], now: datetime) -> list[x509.Certificate]:
    """Those of them that are over or not begun."""
    found = [certificate(each) for each in certificates]
    return [each for each in found if not each.not_valid_before_utc <= now <= each.not_valid_after_utc]
