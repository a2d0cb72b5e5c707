-- What people decided, as the numbers know it.
select kind, platform, source, native_id, value from decided
