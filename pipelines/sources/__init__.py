"""Outside files become a tenant's data by profile, through the same landing and contracts as PostgreSQL's rows.

profile.py   what a profile says; profiles/<name>.yml are the profiles (docs/guides/new-source.md adds one)
sql.py       the words that a profile's expressions may use
readers.py   a file as rows of text, or a clear word on why not
mapping.py   from the files' columns to a table's, as one SQL statement
ingest.py    a folder of sources into the landing zone; drop.py the same for files that somebody dropped
tenants.py   the source's tenant in PostgreSQL, so that somebody can log in
"""
