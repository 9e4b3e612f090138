"""What is written to people about their accounts."""

from serve.identity.account_mails.kinds import account_mail_kind

_END = "\nIf this was not you, somebody may know your password: set a new one, and end all your sessions.\n"

CONFIRM = account_mail_kind(
    "registration",
    subject="Confirm your address",
    text="Hello $name,\n\nopen this link to confirm your address and begin with $company:\n\n$link\n\n"
    "It works once, for a day. If you did not ask for it, nothing is to be done: no account was made.\n",
)
KNOWN = account_mail_kind(
    "registration_known",
    subject="You have an account already",
    text="Hello $name,\n\nsomebody wanted to make an account with this address, and there is one already. If that was"
    " you, log in; if you do not know the password any more, ask for a new one:\n\n$link\n",
)
RESET = account_mail_kind(
    "password_reset",
    subject="A new password",
    text="Hello $name,\n\nopen this link to set a new password:\n\n$link\n\n"
    "It works once, for an hour. If you did not ask for it, nothing is to be done.\n",
)
PASSWORD_CHANGED = account_mail_kind(
    "password_changed",
    subject="Your password was changed",
    text="Hello $name,\n\nthe password of your account was changed at $moment, from the address $address.\n"
    + _END,
)
EMAIL_CHANGED = account_mail_kind(
    "email_changed",
    subject="The address of your account was changed",
    text="Hello $name,\n\nthe address of your account was changed to $email at $moment. This mail goes to the old"
    " one.\n" + _END,
)
CONFIRM_CHANGE = account_mail_kind(
    "email_confirmation",
    subject="Confirm your new address",
    text="Hello $name,\n\nopen this link to confirm that this address is yours; from then on it is that of your"
    " account:\n\n$link\n\nIt works once, for a day. If you know nothing of it, nothing is to be done.\n",
)
CHANGE_ASKED = account_mail_kind(
    "email_change_asked",
    subject="Another address was asked for your account",
    text="Hello $name,\n\nat $moment somebody asked that $email be the address of your account. It becomes that once"
    " the link in the mail that went there is opened, within a day. A new password ends it.\n" + _END,
)
EMAIL_WANTED = account_mail_kind(
    "email_wanted",
    subject="Your address belongs to your account already",
    text="Hello $name,\n\nsomebody wanted to make this the address of another account, and it is that of yours. Nothing"
    " was changed. If that was you, log in to the account that you have:\n\n$link\n",
)
SESSION_STOLEN = account_mail_kind(
    "session_reused",
    subject="A session of yours was ended",
    text="Hello $name,\n\none of your sessions was used from two places, last from the address $address, so it was"
    " ended: somebody may have had a copy. Log in again.\n" + _END,
)
SIGN_IN_CODE = account_mail_kind(
    "sign_in_code",
    subject="$code is your code",
    text="Hello $name,\n\n$code\n\nis your code to sign in at $company. It works once, for ten minutes. Nobody of us"
    " will ever ask you for it.\n",
)
IMPERSONATED = account_mail_kind(
    "impersonated",
    subject="Somebody looks at $company with your eyes",
    text="Hello $name,\n\n$impersonator works at $company as if they were you, from now until $until at the latest."
    " The reason given is:\n\n$reason\n\nEverything done meanwhile is on record under their name.\n",
)
