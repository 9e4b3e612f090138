"""What a customer reads who is asked for a review: mail, and page behind its link. Keys in capitals are codes."""

from serve.crm.opinions import words as opinions
from serve.crm.reviews.errors import ReviewLinkNotFound, ReviewLinkUseless
from serve.kernel.speech import Words

_EN = {
    **opinions.EN,
    "subject": "How content are you with {tenant}?",
    "ask": "How content are you with what we did? It takes a minute:",
    "ask_of": "How content are you with what we did ({service})? It takes a minute:",
    "page_about": "With what {tenant} did.",
    "page_about_work": "With what {tenant} did ({service}).",
    "page_publish": "Say it in public too",
    **{each.code: each.message for each in (ReviewLinkNotFound, ReviewLinkUseless)},
}
_DE = {
    **opinions.DE,
    "subject": "Wie zufrieden sind Sie mit {tenant}?",
    "ask": "Wie zufrieden sind Sie mit unserer Arbeit? Es dauert eine Minute:",
    "ask_of": "Wie zufrieden sind Sie mit unserer Arbeit ({service})? Es dauert eine Minute:",
    "page_about": "Mit der Arbeit von {tenant}.",
    "page_about_work": "Mit der Arbeit von {tenant} ({service}).",
    "page_publish": "Auch öffentlich sagen",
    "REVIEW_LINK_NOT_FOUND": "Diesen Link gibt es nicht.",
    "REVIEW_LINK_OVER": "Die Zeit dieses Links ist um, oder die Anfrage wurde zurückgenommen.",
}
_FR = {
    **opinions.FR,
    "subject": "{tenant}\u00a0: qu’en pensez-vous\u202f?",
    "ask": "Que pensez-vous de notre travail\u202f? Répondre prend une minute\u00a0:",
    "ask_of": "Que pensez-vous de notre travail ({service})\u202f? Répondre prend une minute\u00a0:",
    "page_about": "Il s’agit du travail fait par {tenant}.",
    "page_about_work": "Il s’agit du travail fait par {tenant} ({service}).",
    "page_publish": "Le dire aussi en public",
    "REVIEW_LINK_NOT_FOUND": "Ce lien n’existe pas.",
    "REVIEW_LINK_OVER": "Ce lien n’est plus valable, ou la demande a été retirée.",
}
_ES = {
    **opinions.ES,
    "subject": "¿Qué le ha parecido {tenant}?",
    "ask": "¿Qué le ha parecido nuestro trabajo? Responder lleva un minuto:",
    "ask_of": "¿Qué le ha parecido nuestro trabajo ({service})? Responder lleva un minuto:",
    "page_about": "El trabajo de {tenant}.",
    "page_about_work": "El trabajo de {tenant} ({service}).",
    "page_publish": "Decirlo también en público",
    "REVIEW_LINK_NOT_FOUND": "Este enlace no existe.",
    "REVIEW_LINK_OVER": "El plazo de este enlace ha terminado o la petición se ha retirado.",
}
WORDS: Words = {"en": _EN, "de": _DE, "fr": _FR, "es": _ES}
