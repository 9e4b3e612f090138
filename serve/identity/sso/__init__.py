"""Single sign-on: people of a tenant come in by the log-in of their own house (OpenID Connect or SAML)."""
