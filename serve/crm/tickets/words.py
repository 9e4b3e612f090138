"""What a customer reads whose ticket is resolved: mail, and page behind its link. Keys in capitals are codes."""

from serve.crm.opinions import words as opinions
from serve.crm.tickets.errors import RatingLinkNotFound, RatingLinkUseless
from serve.kernel.speech import Words

_EN = {
    **opinions.EN,
    "subject": "How content are you? {subject}",
    "resolved": 'Your request "{subject}" is resolved:',
    "ask": "How content are you? Tell us here:",
    "page_about": "With what {tenant} did for your request.",
    "page_about_number": "With what {tenant} did for request {number}.",
    **{each.code: each.message for each in (RatingLinkNotFound, RatingLinkUseless)},
    # To staff these two say something else.
    "NOT_DONE_YET": "Your request is open again. You can rate it once it is resolved.",
    "TICKET_MERGED": "Your request was put together with another one.",
}
_DE = {
    **opinions.DE,
    "subject": "Wie zufrieden sind Sie? {subject}",
    "resolved": "Ihr Anliegen „{subject}“ ist erledigt:",
    "ask": "Wie zufrieden sind Sie? Sagen Sie es uns hier:",
    "page_about": "Mit dem, was {tenant} für Ihr Anliegen getan hat.",
    "page_about_number": "Mit dem, was {tenant} für Ihr Anliegen {number} getan hat.",
    "RATING_LINK_NOT_FOUND": "Diesen Link gibt es nicht.",
    "RATING_LINK_OVER": "Die Zeit dieses Links ist um, oder in einer neueren E-Mail steht ein anderer.",
    "NOT_DONE_YET": "Ihr Anliegen ist wieder offen. Bewerten können Sie es, wenn es erledigt ist.",
    "TICKET_MERGED": "Ihr Anliegen wurde mit einem anderen zusammengelegt.",
}
_FR = {
    **opinions.FR,
    "subject": "Qu’en pensez-vous\u202f? {subject}",
    "resolved": "Votre demande «\u00a0{subject}\u00a0» est réglée\u00a0:",
    "ask": "Que pensez-vous de notre aide\u202f? Dites-le-nous ici\u00a0:",
    "page_about": "Il s’agit de ce que {tenant} a fait pour votre demande.",
    "page_about_number": "Il s’agit de ce que {tenant} a fait pour votre demande {number}.",
    "RATING_LINK_NOT_FOUND": "Ce lien n’existe pas.",
    "RATING_LINK_OVER": "Ce lien n’est plus valable, ou un courriel plus récent en contient un autre.",
    "NOT_DONE_YET": "Votre demande est de nouveau ouverte. Vous pourrez répondre quand elle sera réglée.",
    "TICKET_MERGED": "Votre demande a été réunie à une autre.",
}
_ES = {
    **opinions.ES,
    "subject": "¿Qué le ha parecido? {subject}",
    "resolved": "Su petición «{subject}» está resuelta:",
    "ask": "¿Qué le ha parecido nuestra ayuda? Díganoslo aquí:",
    "page_about": "Lo que {tenant} ha hecho por su petición.",
    "page_about_number": "Lo que {tenant} ha hecho por su petición {number}.",
    "RATING_LINK_NOT_FOUND": "Este enlace no existe.",
    "RATING_LINK_OVER": "El plazo de este enlace ha terminado o en un correo más reciente hay otro.",
    "NOT_DONE_YET": "Su petición está abierta de nuevo. Podrá valorarla cuando esté resuelta.",
    "TICKET_MERGED": "Su petición se ha unido a otra.",
}
WORDS: Words = {"en": _EN, "de": _DE, "fr": _FR, "es": _ES}
