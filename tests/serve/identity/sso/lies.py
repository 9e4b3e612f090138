"""Answers of a SAML provider that must not be believed, and documents that harm."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod

from tests.serve.identity.sso.saml_provider import NS, key_pair, moment

STRANGER = key_pair("stranger.example")


def after(seconds: float) -> str:
    return moment(datetime.now(UTC) + timedelta(seconds=seconds))


# What may be wrong in a document. Each gets the root and gives one back.


def find(root: Any, path: str) -> Any:
    return root.find(path, NS)


def other_name(root: Any) -> Any:
    find(root, ".//saml:NameID").text = "the-owner"
    return root


def without_signature(root: Any) -> Any:
    for each in list(root.iter(f"{{{NS['ds']}}}Signature")):
        each.getparent().remove(each)
    return root


def evil_assertion(root: Any) -> Any:
    """A copy of the signed assertion, of somebody else and not signed."""
    evil = copy.deepcopy(find(root, ".//saml:Assertion"))
    for each in list(evil.iter(f"{{{NS['ds']}}}Signature")):
        each.getparent().remove(each)
    evil.set("ID", "_evil")
    find(evil, ".//saml:NameID").text = "the-owner"
    return evil


def wrapped_before(root: Any) -> Any:
    root.insert(list(root).index(find(root, "saml:Assertion")), evil_assertion(root))
    return root


def wrapped_behind(root: Any) -> Any:
    root.append(evil_assertion(root))
    return root


def wrapped_inside(root: Any) -> Any:
    """The signed one hidden in the evil one's advice."""
    evil, signed = evil_assertion(root), find(root, "saml:Assertion")
    root.replace(signed, evil)
    etree.SubElement(evil, f"{{{NS['saml']}}}Advice").append(signed)
    return root


def wrapped_in_signature(root: Any) -> Any:
    """The evil one takes the signature along, and the signed one lies inside of it as an object."""
    evil, signed = evil_assertion(root), find(root, "saml:Assertion")
    signature = find(signed, "ds:Signature")
    root.replace(signed, evil)
    evil.insert(1, signature)
    etree.SubElement(signature, f"{{{NS['ds']}}}Object").append(signed)
    return root


def wrapped_in_extensions(root: Any) -> Any:
    evil, signed = evil_assertion(root), find(root, "saml:Assertion")
    root.replace(signed, evil)
    extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
    root.insert(1, extensions)
    extensions.append(signed)
    return root


def wrapped_response(root: Any) -> Any:
    """A new answer around the signed one."""
    evil = etree.Element(root.tag, nsmap=root.nsmap, attrib=dict(root.attrib) | {"ID": "_evil"})
    for part in root:
        if part.tag.endswith(("Issuer", "Status")):
            evil.append(copy.deepcopy(part))
    evil.append(evil_assertion(root))
    find(evil, "saml:Assertion").append(root)
    return evil


def same_names(root: Any) -> Any:
    evil = evil_assertion(root)
    evil.set("ID", find(root, "saml:Assertion").get("ID"))
    find(root, "samlp:Status").append(evil)
    return root


def name_in_two(between: Callable[[str], Any]) -> Callable[[Any], Any]:
    """The name, cut by what a careless reader of XML stops at: it reads somebody else's."""

    def spoil(root: Any) -> Any:
        name = find(root, ".//saml:NameID")
        name.text = "the-owner"
        name.append(between("x"))
        name[0].tail = ".evil"
        return root

    return spoil


def encrypted(root: Any) -> Any:
    root.append(etree.Element(f"{{{NS['saml']}}}EncryptedAssertion"))
    root.remove(find(root, "saml:Assertion"))
    return root


def no_assertion(root: Any) -> Any:
    root.remove(find(root, "saml:Assertion"))
    return root


def drop(path: str) -> Any:
    def spoil(root: Any) -> Any:
        found = find(root, path)
        found.getparent().remove(found)
        return root

    return spoil


def confirmed_by(method: str) -> Any:
    def spoil(root: Any) -> Any:
        find(root, ".//saml:SubjectConfirmation").set("Method", method)
        return root

    return spoil


def endless(root: Any) -> Any:
    del find(root, ".//saml:SubjectConfirmationData").attrib["NotOnOrAfter"]
    return root


def second_audience(root: Any) -> Any:
    restriction = find(root, ".//saml:AudienceRestriction")
    etree.SubElement(restriction, f"{{{NS['saml']}}}Audience").text = "https://somebody.else"
    return root


def reference_to_nothing(root: Any) -> Any:
    find(root, ".//ds:Reference").set("URI", "")
    return root


def reference_elsewhere(root: Any) -> Any:
    find(root, ".//ds:Reference").set("URI", "https://evil.example/#x")
    return root


def digest_changed(root: Any) -> Any:
    find(root, ".//ds:DigestValue").text = base64.b64encode(b"x" * 32).decode()
    return root


def value_changed(root: Any) -> Any:
    find(root, ".//ds:SignatureValue").text = base64.b64encode(b"x" * 256).decode()
    return root


def no_certificate(root: Any) -> Any:
    return drop(".//ds:KeyInfo")(root)


def transform(uri: str) -> Any:
    def spoil(root: Any) -> Any:
        find(root, ".//ds:Transform").set("Algorithm", uri)
        return root

    return spoil


XSLT, XPATH = "http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116"
LIES: dict[str, dict[str, Any]] = {
    "not signed": {"signed": "nothing"},
    "signature taken out": {"spoil_signed": without_signature},
    "signed by a stranger": {"pair": STRANGER},
    "answer signed by a stranger": {"pair": STRANGER, "signed": "response"},
    "both signed by a stranger": {"pair": STRANGER, "signed": "both"},
    "SHA-1": {"method": SignatureMethod.RSA_SHA1, "digest": DigestAlgorithm.SHA1},
    "a SHA-1 digest": {"digest": DigestAlgorithm.SHA1},
    "another name afterwards": {"spoil_signed": other_name},
    "another name in a signed answer": {"spoil_signed": other_name, "signed": "response"},
    "another name where both are signed": {"spoil_signed": other_name, "signed": "both"},
    "digest changed": {"spoil_signed": digest_changed},
    "signature changed": {"spoil_signed": value_changed},
    "no certificate in it": {"spoil_signed": no_certificate},
    "a signature of nothing": {"spoil_signed": reference_to_nothing},
    "a signature of something elsewhere": {"spoil_signed": reference_elsewhere},
    "a stylesheet in the signature": {"spoil_signed": transform(XSLT)},
    "an XPath in the signature": {"spoil_signed": transform(XPATH)},
    "wrapped: before": {"spoil_signed": wrapped_before},
    "wrapped: behind": {"spoil_signed": wrapped_behind},
    "wrapped: inside": {"spoil_signed": wrapped_inside},
    "wrapped: in the signature": {"spoil_signed": wrapped_in_signature},
    "wrapped: in extensions": {"spoil_signed": wrapped_in_extensions},
    "wrapped: an answer around it": {"spoil_signed": wrapped_response, "signed": "response"},
    "wrapped: two of one name": {"spoil_signed": same_names},
    "a comment in the name": {"spoil": name_in_two(etree.Comment)},
    "a comment in the name afterwards": {"spoil_signed": name_in_two(etree.Comment)},
    "an instruction in the name": {"spoil": name_in_two(etree.ProcessingInstruction)},
    "encrypted": {"spoil": encrypted, "signed": "response"},
    "without an assertion": {"spoil": no_assertion, "signed": "response"},
    "another issuer": {"issuer": "https://evil.example"},
    "another audience": {"audience": "urn:throughline:sso:somebody-else"},
    "two audiences": {"spoil": second_audience},
    "no audience": {"spoil": drop(".//saml:AudienceRestriction")},
    "no conditions": {"spoil": drop(".//saml:Conditions")},
    "another recipient": {"recipient": "https://evil.example/acs"},
    "no recipient": {"recipient": ""},
    "another destination": {"destination": "https://evil.example/acs"},
    "no destination in a signed answer": {"destination": "", "signed": "response"},
    "over": {"not_on_or_after": after(-120)},
    "confirmation is over": {"confirmed_until": after(-120)},
    "confirmation without an end": {"spoil": endless},
    "good for days": {"not_on_or_after": after(864_000), "confirmed_until": after(864_000)},
    "not valid yet": {"not_before": after(86_400)},
    "moments that are none": {"not_before": "yesterday"},
    "for whoever holds a key": {"spoil": confirmed_by("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")},
    "no subject": {"spoil": drop(".//saml:Subject")},
    "no confirmation": {"spoil": drop(".//saml:SubjectConfirmation")},
    "a name that does not last": {"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
    "an empty name": {"name": ""},
    "a failure": {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"},
    "no status": {"spoil": drop("samlp:Status")},
    "unasked": {"in_response_to": ""},
}


DOCUMENTS = {
    "nothing": b"",
    "no XML": b"hello",
    "an element": b"<a/>",
    "a laugh": b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;</a>',
    "a billion laughs": b'<!DOCTYPE a [<!ENTITY x0 "ha">'
    + b"".join(b'<!ENTITY x%d "%s">' % (n + 1, b"&x%d;" % n * 10) for n in range(9))
    + b"]><a>&x9;</a>",
    "a file": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "an address": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "a parameter entity": b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:1/"> %b;]><a/>',
    "UTF-16": '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
    "deep": b"<a>" * 5000 + b"</a>" * 5000,
    "too large": b"<a>" + b"x" * 260_000 + b"</a>",
    "NUL": b"<a>\0</a>",
}
