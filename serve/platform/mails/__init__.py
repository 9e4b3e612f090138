"""Mails on their way out: queued in the transaction that wants them, sent once, and said to be what they are."""
