"""How a tenant looks: pages, mails and papers in its colours, by versions that are published and taken back."""
