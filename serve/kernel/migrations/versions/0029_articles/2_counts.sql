-- By what changed, not by counting anew: two people at once would count without each other. An erasure counts down too.
create function count_article_feedback() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    subject uuid := coalesce(new.article_id, old.article_id);
    helpful integer := coalesce(new.is_helpful::integer, 0) - coalesce(old.is_helpful::integer, 0);
    unhelpful integer := coalesce((not new.is_helpful)::integer, 0) - coalesce((not old.is_helpful)::integer, 0);
begin
    if helpful <> 0 or unhelpful <> 0 then
        update articles
        set helpful_count = helpful_count + helpful, unhelpful_count = unhelpful_count + unhelpful
        where id = subject;
    end if;
    return null;
end
$$;
create trigger count_article_feedback after insert or update or delete on article_feedback
for each row execute function count_article_feedback();
revoke execute on function count_article_feedback() from public;
