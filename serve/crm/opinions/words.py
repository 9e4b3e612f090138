"""What is said to whoever is asked how content they are, whatever it is about: in the mail, and on the page."""

from serve.platform.pages import words as pages

EN = {
    **pages.EN,
    "hello": "Hello {name},",
    "until": "The link works until {moment} (UTC); what you said may be changed by it until then.",
    "page_title": "How content are you?",
    "page_rating": "From 1, not at all, to 5, very much",
    "page_choose": "Choose",
    "page_comment": "Anything that you want to add",
    "page_send": "Send",
    "page_thanks": "Thank you",
    "page_thanks_for": "{tenant} has what you said. With the link of the mail you can change it.",
}
DE = {
    **pages.DE,
    "hello": "Guten Tag {name}!",
    "until": "Der Link gilt bis {moment} (UTC); so lange können Sie damit ändern, was Sie gesagt haben.",
    "page_title": "Wie zufrieden sind Sie?",
    "page_rating": "Von 1, gar nicht, bis 5, sehr",
    "page_choose": "Wählen",
    "page_comment": "Was Sie noch sagen möchten",
    "page_send": "Senden",
    "page_thanks": "Vielen Dank",
    "page_thanks_for": "{tenant} hat Ihre Antwort. Mit dem Link aus der E-Mail können Sie sie ändern.",
}
FR = {
    **pages.FR,
    "hello": "Bonjour {name},",
    "until": "Le lien est valable jusqu’au {moment} (UTC)\u202f; d’ici là, il vous permet de modifier votre réponse.",
    "page_title": "Qu’en pensez-vous\u202f?",
    "page_rating": "De 1, très mauvais, à 5, très bon",
    "page_choose": "Choisir",
    "page_comment": "Ce que vous voulez ajouter",
    "page_send": "Envoyer",
    "page_thanks": "Merci",
    "page_thanks_for": "{tenant} a reçu votre réponse. Le lien du courriel vous permet de la modifier.",
}
ES = {
    **pages.ES,
    "hello": "Hola, {name}:",
    "until": "El enlace sirve hasta el {moment} (UTC); hasta entonces puede cambiar con él lo que ha dicho.",
    "page_title": "¿Qué le ha parecido?",
    "page_rating": "De 1, muy mal, a 5, muy bien",
    "page_choose": "Elija",
    "page_comment": "Lo que quiera añadir",
    "page_send": "Enviar",
    "page_thanks": "Gracias",
    "page_thanks_for": "{tenant} ha recibido su respuesta. Con el enlace del correo puede cambiarla.",
}
