-- What readers see of an article: its newest version, while it is published.
create view published_articles with (security_invoker = true) as
select
    a.id, a.tenant_id, v.title, a.slug, v.summary, v.body, v.category, v.language, v.tags, a.state, a.author_id,
    a.published_revision as revision, a.published_revision, v.number as published_number, a.published_at,
    a.helpful_count, a.unhelpful_count, a.created_at, v.created_at as updated_at, a.change_xid, a.external_id,
    a.deleted_at, v.search_text
from articles a
join article_versions v on v.tenant_id = a.tenant_id and v.article_id = a.id and v.is_current
where a.state = 'published' and a.deleted_at is null;
grant select on published_articles to throughline_api, throughline_worker;

-- A version is what was said: only whether it is the newest one changes.
create function refuse_change_of_version() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    raise insufficient_privilege using message = 'a published version of an article does not change';
end
$$;
revoke execute on function refuse_change_of_version() from public;
create trigger refuse_change_of_version before update of
    id, tenant_id, article_id, number, title, summary, body, body_text, category, language, tags, note, published_by,
    restored_from, text_config, words, created_at
on article_versions for each row execute function refuse_change_of_version();
