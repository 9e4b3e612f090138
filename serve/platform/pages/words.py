"""What every page for customers says, whatever it is about. Keys in capitals are codes of refusals.

The words of a domain begin with these: ``{**DE, "hello": …}``.
"""

from serve.identity.account_tokens.limits import LinkUsedTooOften

EN = {
    "page_noscript": "This page needs JavaScript, which is switched off.",
    "page_incomplete": "This link is not complete",
    "page_incomplete_why": "It has no key in it. Open it from the mail once more.",
    "page_failed": "That did not work",
    "page_gone": "This link opens nothing any more",
    LinkUsedTooOften.code: LinkUsedTooOften.message,
    "INVALID": "Something is wrong here.",
    "TENANT_SUSPENDED": "This page is closed for the time being. Ask whoever sent the link.",
    "UNREACHABLE": "The server does not answer.",
}
DE = {
    "page_noscript": "Diese Seite braucht JavaScript, und das ist ausgeschaltet.",
    "page_incomplete": "Dieser Link ist nicht vollständig",
    "page_incomplete_why": "Sein Schlüssel fehlt. Öffnen Sie ihn noch einmal aus der E-Mail.",
    "page_failed": "Das hat nicht geklappt",
    "page_gone": "Dieser Link öffnet nichts mehr",
    "LINK_USED_TOO_OFTEN": "Dieser Link wird zu oft aufgerufen. Warten Sie etwas und versuchen Sie es noch einmal.",
    "INVALID": "Hier stimmt etwas nicht.",
    "TENANT_SUSPENDED": "Diese Seite ist zurzeit geschlossen. Fragen Sie, wer Ihnen den Link gesandt hat.",
    "UNREACHABLE": "Der Server antwortet nicht.",
}
FR = {
    "page_noscript": "Cette page a besoin de JavaScript, qui est désactivé.",
    "page_incomplete": "Ce lien n’est pas complet",
    "page_incomplete_why": "Sa clé manque. Ouvrez-le encore une fois depuis le courriel.",
    "page_failed": "Cela n’a pas fonctionné",
    "page_gone": "Ce lien n’ouvre plus rien",
    "LINK_USED_TOO_OFTEN": "Ce lien est demandé trop souvent. Attendez un peu, puis réessayez.",
    "INVALID": "Il y a une erreur ici.",
    "TENANT_SUSPENDED": "Cette page est fermée pour le moment. Adressez-vous à qui vous a envoyé le lien.",
    "UNREACHABLE": "Le serveur ne répond pas.",
}
ES = {
    "page_noscript": "Esta página necesita JavaScript, que está desactivado.",
    "page_incomplete": "Este enlace no está completo",
    "page_incomplete_why": "Le falta la clave. Ábralo otra vez desde el correo.",
    "page_failed": "No ha funcionado",
    "page_gone": "Este enlace ya no abre nada",
    "LINK_USED_TOO_OFTEN": "Este enlace se consulta demasiado. Espere un poco e inténtelo de nuevo.",
    "INVALID": "Aquí hay un error.",
    "TENANT_SUSPENDED": "Esta página está cerrada por ahora. Pregunte a quien le envió el enlace.",
    "UNREACHABLE": "El servidor no responde.",
}
