-- What the spool keeps in SQLite, a dialect of its own: moments are text in ISO 8601, in UTC.

-- name: steer
-- What is erased is overwritten, and a page and its cursor survive a pulled plug together.
pragma secure_delete = on; -- noqa: PRS
pragma journal_mode = truncate;
pragma synchronous = full;

-- name: lay_out
create table if not exists streams (
    pull text, stream text, is_lasting integer, is_open integer, is_resumed integer,
    cursor text, mark text, new_mark text, told_until text, asked_at text, reached text,
    covered_since text, covered_until text,
    primary key (pull, stream)
);
create index if not exists open_streams on streams (pull, is_open, is_lasting);
create table if not exists pages (
    number integer primary key autoincrement, pull text, stream text, name text, messages integer, size integer,
    body blob
);
create table if not exists cursors (pull text, stream text, digest text, primary key (pull, stream, digest));
create table if not exists spent (
    number integer primary key autoincrement, service text, month text, run text, kind text, resources integer
);
create table if not exists charged (
    service text, day text, kind text, digest text, primary key (service, day, kind, digest)
);
create table if not exists reaches (pull text primary key, since text);
create table if not exists tries (place text primary key, pull text, named text, tried_at text, reason text);
create table if not exists looked (pull text primary key, looked_at text, can_tell integer);

-- name: streams
select * from streams where pull = $pull order by is_lasting desc, rowid;

-- name: open_streams
-- All that last, and the first of the others: a place with many conversations has as many of them.
select * from streams where pull = $pull and is_open = 1 and is_lasting = 1
union all
select * from (
    select * from streams where pull = $pull and is_open = 1 and is_lasting = 0 order by rowid limit 1
);

-- name: mark_resumed
update streams set is_resumed = is_open where pull = $pull;

-- name: begin_sweep
insert into streams (pull, stream, is_lasting, is_open, is_resumed) values ($pull, $stream, 1, 1, 0)
on conflict (pull, stream) do update set
is_open = 1, is_resumed = 0, cursor = null, new_mark = null, asked_at = null, reached = null;

-- name: follow
insert into streams (pull, stream, is_lasting, is_open, is_resumed) values ($pull, $stream, 0, 1, 0)
on conflict (pull, stream) do nothing;

-- name: keep_page
insert into pages (pull, stream, name, messages, size, body)
values ($pull, $stream, $name, $messages, $size, $body);

-- name: keep_stream
update streams set
    is_open = $is_open, cursor = $cursor, mark = $mark, new_mark = $new_mark, told_until = $told_until,
    asked_at = $asked_at, reached = $reached, covered_since = $covered_since, covered_until = $covered_until
where pull = $pull and stream = $stream;

-- name: keep_cursor
insert into cursors values ($pull, $stream, $digest) on conflict do nothing;

-- name: is_met
select count(*) from cursors where pull = $pull and stream = $stream and digest = $digest;

-- name: forget_cursors
delete from cursors where pull = $pull and stream = $stream;

-- name: pages
select number, name, size from pages where pull = $pull order by number;

-- name: page
select body from pages where number = $number;

-- name: discard
-- What the page told is not told, then: its stream begins again, as if it had never been gone through.
update streams set
    is_open = 1, cursor = null, mark = null, new_mark = null, told_until = null, asked_at = null, reached = null,
    covered_since = null, covered_until = null
where pull = $pull and stream = (select stream from pages where number = $number);
delete from cursors where pull = $pull and stream = (select stream from pages where number = $number);
delete from pages where number = $number;

-- name: waiting
select count(*), coalesce(sum(messages), 0) from pages where pull = $pull;

-- name: erase
delete from pages where pull = $pull;

-- name: forget_pull
-- But for what was spent: a budget holds whatever is forgotten.
delete from streams where pull = $pull;
delete from pages where pull = $pull;
delete from cursors where pull = $pull;
delete from reaches where pull = $pull;
delete from looked where pull = $pull;
delete from tries where pull = $pull;

-- name: settle_streams
delete from streams where pull = $pull and is_lasting = 0 and is_open = 0;
delete from cursors where pull = $pull and stream not in (select stream from streams where pull = $pull);
update streams set covered_since = null, covered_until = null where pull = $pull and $is_claimed;

-- name: reach
select since from reaches where pull = $pull;

-- name: note_reach
insert into reaches values ($pull, $since) on conflict (pull) do update set since = excluded.since;

-- name: go_through_again
update streams set
    is_open = 1, is_resumed = 0, cursor = null, mark = null, new_mark = null, told_until = null, asked_at = null,
    reached = null, covered_since = null, covered_until = null
where pull = $pull and is_lasting = 1;
delete from cursors where pull = $pull;

-- name: spend
insert into spent (service, month, run, kind, resources) values ($service, $month, $run, $kind, $resources)
returning number;

-- name: charge
insert into charged values ($service, $day, $kind, $digest) on conflict do nothing returning 1;

-- name: forget_charged
delete from charged where service = $service and day < $day;

-- name: release
delete from spent where number = $number;

-- name: spent
select kind, sum(resources) from spent
where service = $service and (month = $month or $month is null) and (run = $run or $run is null) group by kind;

-- name: note_looked
insert into looked values ($pull, $looked_at, $can_tell)
on conflict (pull) do update set looked_at = excluded.looked_at, can_tell = excluded.can_tell;

-- name: looked
select looked_at, can_tell from looked where pull = $pull;

-- name: note_try
insert into tries values ($place, $pull, $named, $tried_at, $reason)
on conflict (place) do update set
pull = coalesce(excluded.pull, pull), named = excluded.named, tried_at = excluded.tried_at, reason = excluded.reason;

-- name: forget_failed
-- Of a place that was asked for in other words, and now works.
delete from tries where pull = $pull and place <> $place and $reason is null;

-- name: pull_of
select pull from tries where place = $place;

-- name: all_pulls
-- Of which anything is kept, and what each was asked for as.
select pull, max(named) as named
from (
    select pull, named from tries
    union all
    select pull, null as named from streams
    union all
    select pull, null as named from pages
) as kept
where pull is not null
group by pull;

-- name: has_tries
select count(*) from sqlite_master where name = 'tries';

-- name: all_failed
-- Where none ever worked, for a week: somebody may have tried a wrong name.
select named, tried_at, reason from tries
where reason is not null and (tried_at > $since or pull in (select pull from looked))
order by named;

-- name: all_named
select pull, max(named) from tries where pull is not null group by pull;

-- name: failed_pulls
select pull from tries where reason is not null and pull is not null;

-- name: all_looked
select streams.pull, max(looked.looked_at), max(looked.can_tell)
from streams
left join looked on streams.pull = looked.pull
group by streams.pull
order by streams.pull;
