-- A recording goes with what named it: also when a person is erased, which makes the column empty.
create function delete_recording_of_call() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    update files set deleted_at = now()
    where tenant_id = old.tenant_id and id = old.recording_file_id and deleted_at is null;
    return null;
end
$$;
revoke execute on function delete_recording_of_call() from public;
create trigger delete_recording_of_call after update of recording_file_id on calls
for each row when (old.recording_file_id is not null and new.recording_file_id is distinct from old.recording_file_id)
execute function delete_recording_of_call();
