"""What other rows of the same person say of a pair is kept, too."""

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0058", "0057", None, None


def upgrade() -> None:
    allow("'name', 'email', 'phone', 'company', 'city', 'others'")


def downgrade() -> None:
    run("alter table person_links no force row level security, disable trigger user")
    run("update person_links set evidence = evidence - 'others' where evidence ? 'others'")
    run("alter table person_links force row level security, enable trigger user")
    allow("'name', 'email', 'phone', 'company', 'city'")


def allow(fields: str) -> None:
    run("alter table person_links drop constraint person_links_evidence_check")
    run(
        "alter table person_links add constraint person_links_evidence_check check ("
        f"jsonb_typeof(evidence) = 'object' and evidence - array[{fields}] = '{{}}'::jsonb"
        """ and not jsonb_path_exists(evidence, '$.* ? (@.type() <> "number" || @ > 1000 || @ < -1000)'))"""
    )
