"""A SAML identity provider: reads our requests, answers them signed by ``signxml``, which the service does not use."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml import DigestAlgorithm, SignatureConstructionMethod, SignatureMethod, XMLSigner

NS = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
Spoil = Callable[[Any], Any]


def key_pair(name: str, bits: int = 2048) -> tuple[bytes, str]:
    """A private key and its certificate, both as PEM."""
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True)
class Asked:
    """Our request, as the provider reads it."""

    id: str
    issuer: str
    acs_url: str

    @classmethod
    def of(cls, url: str) -> Asked:
        packed = parse_qs(urlsplit(url).query)["SAMLRequest"][0]
        root = etree.fromstring(zlib.decompress(base64.b64decode(packed), -15))
        issuer = root.findtext("saml:Issuer", namespaces=NS)
        return cls(root.get("ID"), issuer, root.get("AssertionConsumerServiceURL"))


@dataclass
class SamlProvider:
    entity_id: str = "https://idp.example.com/saml"
    sso_url: str = "https://idp.example.com/saml/sso"
    pair: tuple[bytes, str] = field(default_factory=lambda: key_pair("idp.example.com"))

    @property
    def certificate(self) -> str:
        return self.pair[1]

    def metadata(self) -> str:
        inner = "".join(line for line in self.certificate.splitlines() if "-----" not in line)
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.entity_id}">'
            '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
            f"<X509Certificate>{inner}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
            f' Location="{self.sso_url}"/></IDPSSODescriptor></EntityDescriptor>'
        )

    def answer(
        self,
        asked: Asked,
        name_id: str = "ada-1",
        *,
        attributes: dict[str, list[str]] | None = None,
        signed: str = "assertion",
        spoil: Spoil = lambda root: root,
        spoil_signed: Spoil = lambda root: root,
        pair: tuple[bytes, str] | None = None,
        method: SignatureMethod = SignatureMethod.RSA_SHA256,
        digest: DigestAlgorithm = DigestAlgorithm.SHA256,
        **words: Any,
    ) -> str:
        """As it is posted. ``spoil`` changes it before it is signed, ``spoil_signed`` after; ``words`` its parts."""
        root = spoil(etree.fromstring(self.draft(asked, name_id, attributes or {}, **words)))
        pair = pair or self.pair
        if signed in ("assertion", "both"):
            assertion = root.find(".//saml:Assertion", NS)
            parent, place = assertion.getparent(), list(assertion.getparent()).index(assertion)
            made = sign(assertion, pair, method, digest)
            parent.remove(assertion)
            parent.insert(place, made)
        if signed in ("response", "both"):
            root = sign(root, pair, method, digest)
        return base64.b64encode(etree.tostring(spoil_signed(root))).decode()

    def draft(self, asked: Asked, name_id: str, attributes: dict[str, list[str]], **words: Any) -> str:
        now = words.get("now") or datetime.now(UTC)
        said = {
            "issuer": self.entity_id,
            "recipient": asked.acs_url,
            "destination": asked.acs_url,
            "audience": asked.issuer,
            "not_before": moment(now - timedelta(seconds=5)),
            "not_on_or_after": moment(now + timedelta(minutes=5)),
            "confirmed_until": moment(now + timedelta(minutes=5)),
            "in_response_to": asked.id,
            "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
            "format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "id": f"_{uuid4().hex}",
        } | words
        values = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in several)
            + "</saml:Attribute>"
            for name, several in attributes.items()
        )
        answers = f' InResponseTo="{said["in_response_to"]}"' if said["in_response_to"] else ""
        destination = f' Destination="{said["destination"]}"' if said["destination"] else ""
        recipient = f' Recipient="{said["recipient"]}"' if said["recipient"] else ""
        return (
            f'<samlp:Response xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" ID="_{uuid4().hex}" Version="2.0"'
            f' IssueInstant="{moment(now)}"{destination}{answers}>'
            f"<saml:Issuer>{said['issuer']}</saml:Issuer>"
            f'<samlp:Status><samlp:StatusCode Value="{said["status"]}"/></samlp:Status>'
            f'<saml:Assertion ID="{said["id"]}" Version="2.0" IssueInstant="{moment(now)}">'
            f"<saml:Issuer>{said['issuer']}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="{said["format"]}">{name_id}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData{answers}{recipient} NotOnOrAfter="{said["confirmed_until"]}"/>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{said["not_before"]}" NotOnOrAfter="{said["not_on_or_after"]}">'
            f"<saml:AudienceRestriction><saml:Audience>{said['audience']}</saml:Audience></saml:AudienceRestriction>"
            "</saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{moment(now)}" SessionIndex="1"><saml:AuthnContext>'
            "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>"
            "</saml:AuthnContext></saml:AuthnStatement>"
            f"<saml:AttributeStatement>{values}</saml:AttributeStatement></saml:Assertion></samlp:Response>"
        )


def sign(element: Any, pair: tuple[bytes, str], method: SignatureMethod, digest: DigestAlgorithm) -> Any:
    """Enveloped, where the schema wants it: right behind the issuer."""
    place = etree.SubElement(element, f"{{{NS['ds']}}}Signature", Id="placeholder", nsmap={"ds": NS["ds"]})
    issuer = element.find("saml:Issuer", NS)
    element.insert(list(element).index(issuer) + 1, place)
    signer = Careless(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=digest,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    made = signer.sign(element, key=pair[0], cert=pair[1], reference_uri=element.get("ID"), id_attribute="ID")
    return etree.fromstring(etree.tostring(made))


class Careless(XMLSigner):
    """Signs with SHA-1 too, as old providers do."""

    def check_deprecated_methods(self) -> None:
        pass


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
