-- Steps of a task that are done, or (without an end) begun: what a step wrote and this row are one transaction. As with
-- events, no reference to the task: it would be looked up and locked once more with every step.
create table task_steps (
    tenant_id uuid not null,
    task_id uuid not null,
    round integer not null,
    name text not null,
    output jsonb,
    attempt integer not null default 1,
    worker text,
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (tenant_id, task_id, round, name)
);

-- Processes that carry out tasks, and when they last said so.
create table task_workers (
    name text primary key,
    version text not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
grant select, insert, update, delete on task_workers to throughline_worker;
grant select on task_workers to throughline_api;

-- A task that is queued is in its queue: the same transaction does both, and none that may write tasks can forget it.
-- Each run of a task is a workflow of its own; its arguments are ids alone.
create function enqueue_task() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform dbos.enqueue_workflow(
        workflow_name => 'run_task',
        queue_name => new.queue,
        positional_args => array[to_json(new.tenant_id::text), to_json(new.id::text), to_json(new.run)],
        workflow_id => new.id || '.' || new.run,
        queue_partition_key => new.tenant_id::text,
        delay_until_epoch_ms => (extract(epoch from new.not_before) * 1000)::bigint,
        application_name => 'throughline'
    );
    return null;
end
$$;
revoke all on function enqueue_task() from public;

-- An import is as far as its task, whose id it has.
create function end_import() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    said text := coalesce(current_setting('app.event', true), ''); -- the name of what happened to the task
begin
    perform set_config('app.event', '', true);
    update imports set
        status = case when new.status in ('queued', 'running', 'paused') then 'running'
            when new.status = 'succeeded' then 'done' else 'failed' end,
        error = case new.status
            when 'failed' then coalesce(new.error ->> 'message', '') || ' What was counted as done stays done.'
            when 'cancelled' then 'It was cancelled. What was counted as done stays done.'
        end,
        finished_at = new.finished_at
    where tenant_id = new.tenant_id and id = new.id;
    perform set_config('app.event', said, true);
    return null;
end
$$;
revoke all on function end_import() from public;
grant execute on function end_import() to throughline_api, throughline_worker;
