-- One chunk of a load into the facts, inside one transaction. `staged` is its messages, `batch` its records of
-- another noun: Arrow tables.

-- name: version
-- Which of two copies of a message is newer: a deletion wins for ever, and the one that keeps least; then the later
-- edit, then the copy that knows what it answers; what is left is settled by the content itself, so that the order of
-- loading never matters.
create or replace temp macro version(message) as
    struct_pack(
        is_deleted := message.deleted_at is not null,
        is_wordless := message.deleted_at is not null and coalesce(message.text, '') = '',
        is_nameless := message.deleted_at is not null and message.member_id is null,
        edited_at := coalesce(epoch_us(message.edited_at), 0),
        has_parent := message.parent_id is not null,
        has_conversation := message.conversation_id is not null,
        text := coalesce(message.text, ''),
        rest := concat_ws(
            '|', message.kind, message.member_id, message.parent_id, message.conversation_id,
            message.title, message.channel_id, message.attachments, message.permalink
        )
    );

-- name: seen
create or replace temp table seen (message_hash ubigint, kind varchar);
-- Who wrote what is deleted now without a name.
create or replace temp table unnamed (member_id varchar);

-- name: stage
create or replace temp view staged as
select * exclude (id), id as message_id, hash(source_key, text) as text_key from batch;

-- name: stage_newest
-- Of several copies in one chunk, the newest.
create or replace temp view staged as
select * exclude (id), id as message_id, hash(source_key, text) as text_key from batch
qualify row_number() over (partition by id order by version(batch) desc) = 1;

-- name: arrive
-- How many of the chunk's messages came before in this load, and how many come twice in it. By their hashes, which is
-- quick: where two ids share one, they are looked at as if they were the same, and found not to be. What is looked up
-- is the chunk, which is small, in what was seen, which grows.
with arrived as materialized (
    select hash(id) as message_hash from batch
)
select
    (select count(*) from arrived semi join seen on arrived.message_hash = seen.message_hash)::bigint as again,
    (select count(*) - count(distinct message_hash) from arrived)::bigint as repeats;

-- name: note_seen
insert into seen select hash(message_id), kind from staged;

-- name: met
-- Which of the chunk's messages are here already, by their ids alone: on a first load none is, and no text is read.
create or replace temp table met as
select messages.rowid as row_id, messages.message_id
from messages
inner join staged on messages.source_key = staged.source_key and messages.message_id = staged.message_id;
select count(*)::bigint from met;

-- name: known
create or replace temp table known as
select
    met.message_id,
    version(staged) > version(messages)
    and not (messages.text = '' and messages.sent_at < $words_since::timestamptz) as is_newer
from met
inner join messages on met.row_id = messages.rowid
inner join staged on met.message_id = staged.message_id;
select (count(*) filter (where is_newer))::bigint from known;

-- name: count_disputed_within
-- How many ids of a chunk have two authors: one of the messages passes for an edit of the other.
select count(*)::bigint from (select id from batch group by id having count(distinct member_id) > 1);

-- name: count_disputed
-- And how many ids have another author here.
select count(*)::bigint
from met
inner join messages on met.row_id = messages.rowid
inner join staged on met.message_id = staged.message_id
where staged.member_id <> messages.member_id;

-- name: count_taken_back
select count(*)::bigint
from known
inner join staged on known.message_id = staged.message_id
where known.is_newer and staged.deleted_at is not null;

-- name: rewrite
-- What was deleted stays in the file until its block is used again, and a block is seldom used again.
attach $path as rewritten; -- noqa: PRS
copy from database hearth to rewritten;
detach rewritten;

-- name: note_unnamed
insert into unnamed
select coalesce(messages.member_id, staged.member_id) as member_id
from met
inner join messages on met.row_id = messages.rowid
inner join staged on met.message_id = staged.message_id
where
    coalesce(messages.member_id, staged.member_id) is not null
    and (
        (staged.deleted_at is not null and staged.member_id is null)
        or (messages.deleted_at is not null and messages.member_id is null)
    );

-- name: forget_unnamed
-- An account of which nothing is left but deleted messages goes with them, also if an older export names it again.
delete from unnamed
where member_id in (select member_id from messages where source_key = $source_key and member_id is not null);
delete from members where source_key = $source_key and member_id in (from unnamed);
delete from reactions where source_key = $source_key and member_id in (from unnamed);

-- name: insert_all
insert into messages by name select * from staged;

-- name: drop_older
delete from messages
where source_key = $source_key and message_id in (select message_id from known where is_newer);

-- name: insert_newer
insert into messages by name
select * from staged where message_id not in (select message_id from known where not is_newer);

-- name: note_channels
-- The newest description wins; what a description can only add (private, its kind) stays added.
create or replace temp table described as
select
    source_key, channel_id, newest.name as name, kind, is_private, updated_at
from (
    select
        source_key, channel_id,
        max(struct_pack(updated_at := coalesce(epoch_us(updated_at), 0), name := coalesce(name, ''))) as newest,
        max(kind) as kind, bool_or(is_private) as is_private, max(updated_at) as updated_at
    from (
        select $source_key::bigint as source_key, * from batch
        union all by name
        select * from channels
        where source_key = $source_key and channel_id in (select channel_id from batch)
    )
    group by all
);
select count(*)::bigint
from (
    from described
    except
    from channels
);

-- name: merge_channels
delete from channels
where source_key = $source_key and channel_id in (select channel_id from described);
insert into channels by name from described;

-- name: note_members
create or replace temp table described as
select
    source_key, member_id, newest.name as name, nullif(newest.handle, '') as handle,
    email_hash, email_domain, is_bot, newest.is_staff as is_staff, updated_at
from (
    select
        source_key, member_id,
        max(struct_pack(
            updated_at := coalesce(epoch_us(updated_at), 0), name := coalesce(name, ''),
            handle := coalesce(handle, ''), is_staff := is_staff
        )) as newest,
        max(email_hash) as email_hash, max(email_domain) as email_domain,
        bool_or(is_bot) as is_bot, max(updated_at) as updated_at
    from (
        select $source_key::bigint as source_key, * from batch
        union all by name
        select * from members
        where source_key = $source_key and member_id in (select member_id from batch)
    )
    group by all
);
select count(*)::bigint
from (
    from described
    except
    from members
);

-- name: merge_members
delete from members
where source_key = $source_key and member_id in (select member_id from described);
insert into members by name from described;

-- name: merge_reactions
-- Where only a count is known, the highest seen is kept.
create or replace temp table counted as
select message_id, name, member_id, max(count) as count from batch group by all;
delete from reactions
where
    source_key = $source_key and member_id is null
    and exists (
        select 1 from counted
        where
            counted.message_id = reactions.message_id and counted.name = reactions.name
            and counted.member_id is null and counted.count > reactions.count
    );
create or replace temp table reacted as
select $source_key::bigint as source_key, counted.*
from counted
where not exists (
    select 1 from reactions
    where
        reactions.source_key = $source_key
        and reactions.message_id = counted.message_id
        and reactions.name = counted.name
        and reactions.member_id is not distinct from counted.member_id
);
insert into reactions by name from reacted;
select count(*)::bigint from reacted;

-- name: merge_audience
-- A platform revises its totals: of two values for one moment, the one loaded last. Within one chunk, the higher.
create or replace temp table measured as
select measure, of_what, measured_at, max(value) as value from batch group by all;
delete from audience
where
    source_key = $source_key
    and (measure, of_what, measured_at) in (select (measure, of_what, measured_at) from measured);
insert into audience by name
select $source_key::bigint as source_key, * from measured;

-- name: quarantine
-- What was refused before is held against the newest load.
update refused set load_id = $load_id
where source_key = $source_key and refused_id in (select refused_id from batch);
insert into refused by name
select $source_key::bigint as source_key, $load_id::bigint as load_id, now() as refused_at, * from batch
where refused_id not in (select refused_id from refused where source_key = $source_key);

-- name: note_source
insert into sources
select $source_key, $platform, $source, $name, $is_demo, $name
where $source_key not in (select source_key from sources);
update sources set
    source_name = case when source_name = export_name then greatest(export_name, $name) else source_name end,
    export_name = greatest(export_name, $name)
where source_key = $source_key;

-- name: name_sources
-- A source is called what the first row of [[sources]] that names it says, by its id or by what its exports call it.
update sources set source_name = coalesce(
    (
        select arg_min(called.name, called.position)
        from (
            select
                unnest($platforms::varchar[]) as platform, unnest($sources::varchar[]) as source,
                unnest($names::varchar[]) as name, generate_subscripts($names::varchar[], 1) as position
        ) as called
        where called.platform = sources.platform and called.source in (sources.source, sources.export_name)
    ),
    sources.export_name
);

-- name: leaving
-- What is to be forgotten: one source, or without a name the made-up ones.
create or replace temp table leaving as
select source_key from sources where platform = $platform and source = $source or $platform is null and is_demo;

-- name: forget
delete from scores where text_key in (select text_key from messages where source_key in (from leaving));
delete from chunks where load_id in (select load_id from loads where source_key in (from leaving));
delete from verdicts where source_key in (from leaving);
delete from channels where source_key in (from leaving);
delete from members where source_key in (from leaving);
delete from messages where source_key in (from leaving);
delete from reactions where source_key in (from leaving);
delete from audience where source_key in (from leaving);
delete from refused where source_key in (from leaving);
delete from loads where source_key in (from leaving);
delete from member_days where place_id in (select place_id from places where source_key in (from leaving));
delete from member_weeks where source_key in (from leaving);
delete from reply_pairs where source_key in (from leaving);
delete from pair_days where source_key in (from leaving);
delete from travellers;
delete from staff_days where source_key in (from leaving);
delete from staff_hours where source_key in (from leaving);
delete from places where source_key in (from leaving);
delete from source_days where source_key in (from leaving);
delete from people where source_key in (from leaving);
delete from resolved where source_key in (from leaving);
delete from guesses where source_key in (from leaving);
delete from place_days where source_key in (from leaving);
delete from conversations where source_key in (from leaving);
delete from asks where source_key in (from leaving);
delete from later_turns where source_key in (from leaving);
delete from staff_replies where source_key in (from leaving);
delete from newcomers where source_key in (from leaving);
delete from lapses where source_key in (from leaving);
delete from sentiments where source_key in (from leaving);
delete from praise where source_key in (from leaving);
delete from touched where source_key in (from leaving);
delete from news where source_key in (from leaving);
delete from sources where source_key in (from leaving);

-- name: note_touched
-- What was never derived is derived as a whole.
insert into touched
select $source_key, $source_key not in (select source_key from places)
where $source_key not in (select source_key from touched);

-- name: note_all_touched
delete from touched;
insert into touched select source_key, true from sources;

-- name: keeps_news
-- What is derived anew as a whole needs no news; and of a source without messages none can be met again.
select
    $source_key in (select source_key from places)
    and $source_key not in (select source_key from touched where is_whole) as keeps_news,
    $source_key not in (select source_key from messages) as is_first;

-- name: note_new_messages
insert into news by name
select source_key, message_id, channel_id, member_id, sent_at, conversation_id, parent_id from staged
where message_id not in (select message_id from met);

-- name: note_newer_messages
-- Where they were, and where they are.
insert into news by name
select source_key, message_id, channel_id, member_id, sent_at, conversation_id, parent_id from messages
where source_key = $source_key and message_id in (select message_id from known where is_newer);
insert into news by name
select source_key, message_id, channel_id, member_id, sent_at, conversation_id, parent_id from staged
where message_id in (select message_id from known where is_newer);

-- name: note_reacted_messages
insert into news by name
select source_key, message_id, channel_id, member_id, sent_at, conversation_id, parent_id from messages
where source_key = $source_key and message_id in (select message_id from reacted);

-- name: note_merged
-- Who shares a person with whom, as people say; the person goes by the least of the accounts' hashes, so that no order
-- matters. What is touched touches every source it shares a person with: their first message may be in either, and so
-- may the end of their silence.
create or replace temp table merged as
select
    sources.source_key, hash(sources.source_key, persons.member_id) as account_id,
    min(account_id) over (partition by persons.person) as person_id
from persons
inner join sources on persons.platform = sources.platform and persons.source = sources.source;
insert into touched
with recursive reached as (
    select source_key from touched
    union
    select there.source_key
    from reached
    inner join merged as here on reached.source_key = here.source_key
    inner join merged as there on here.person_id = there.person_id
)
select source_key, false as is_whole from reached where source_key not in (select source_key from touched);
-- Who has no account in what is touched stays as they are.
delete from merged where source_key not in (select source_key from touched);

-- name: derives_whole
select count(*) > 0 from whole;

-- name: note_begun
-- A derivation that is cut off between two transactions is done again as a whole.
update touched set is_whole = true;

-- name: note_chunk
insert into chunks values ($load_id, $chunk, $read, $inserted, $updated, $unchanged, $refused);

-- name: reaches_further
-- Than what the numbers know, by more than the slack.
select coalesce(
    min(covered_since) > $covered_since
    or (select max(as_of) from places where source_key = $source_key) < $covered_until::timestamptz - $slack::interval,
    true
)
from loads where source_key = $source_key;

-- name: note_load
-- What an earlier load of the same file refused, and this one did not, waits no longer.
update refused set load_id = null
where
    source_key = $source_key and load_id <> $load_id
    and load_id in (select load_id from loads where source_key = $source_key and file = $file);
insert into loads values (
    $load_id, $source_key, $file, now(), $seconds,
    $read, $inserted, $updated, $unchanged, $refused,
    $messages, $system, $members, $channels, $reactions,
    $covered_since, $covered_until,
    list_transform(
        list_zip($left_out_kinds::varchar[], $left_out_counts::bigint[]), lambda each: {kind: each[1], records: each[2]}
    ), $private_reason, $path, $reader
);

-- name: twin
-- Another source of the same platform that has nearly all of what a new one has, or the other way round: the same ids at
-- the same moments. Only of a source's first load, and only where another one lies in the same time.
with mine as (
    select message_id, sent_at from messages
    where source_key = $source_key and (select count(*) from loads where source_key = $source_key) = 1
),
others as (
    select source_key from sources
    where
        platform = $platform and source_key <> $source_key and not is_demo and (select count(*) from mine) > 0
),
shared as (
    select messages.source_key, count(*) as messages
    from messages
    semi join mine on messages.message_id = mine.message_id and messages.sent_at = mine.sent_at
    where
        messages.source_key in (select source_key from others)
        and messages.sent_at between (select min(sent_at) from mine) and (select max(sent_at) from mine)
    group by messages.source_key
),
sizes as (
    select source_key, count(*) as messages from messages
    where source_key in (select source_key from shared)
    group by source_key
)
select sources.source, shared.messages::bigint
from shared
inner join sizes on shared.source_key = sizes.source_key
inner join sources on shared.source_key = sources.source_key
where shared.messages >= 0.9 * least(sizes.messages, (select count(*) from mine))
order by shared.messages desc, sources.source
limit 1;

-- name: note_verdicts
-- Words older than the settings allow are about to go: what followed from them stays. A mark stays by itself, and can
-- be undone.
insert into verdicts
select told.source_key, told.message_id, told.reason
from (
    select source_key, message_id, reason from asks
    union all
    select source_key, message_id, said as reason from later_turns where said is not null
    union all
    select source_key, message_id, said as reason from staff_replies where said is not null
) as told
inner join messages on told.source_key = messages.source_key and told.message_id = messages.message_id
where
    messages.sent_at < $words_since::timestamptz and messages.text <> ''
    and told.reason <> 'marked: no reply needed';

-- name: take_words
update messages set text = '', title = null
where sent_at < $words_since::timestamptz and (text <> '' or title is not null);

-- name: take_refused
-- What was refused longer ago than that was said longer ago, too.
update refused set raw = ''::blob where refused_at < $words_since::timestamptz and raw <> ''::blob;

-- name: count_old_words
select
    (
        select count(*) from messages
        where sent_at < $words_since::timestamptz and (text <> '' or title is not null)
    )::bigint + (
        select count(*) from refused where refused_at < $words_since::timestamptz and raw <> ''::blob
    )::bigint;

-- name: use_scorer
-- Whose scores count from now on. Of the version before nothing is kept.
delete from scorer;
insert into scorer values ($name, $version);
delete from scores where scorer = $name and version <> $version;

-- name: used_scorer
select count(*)::bigint from scorer where name = $name and version = $version;

-- name: note_unscored
-- Each text that a scorer has not heard yet, once: of touched sources, or where it is new of all. What bots say is left
-- out.
create or replace temp table unscored as
with wanted as (
    select messages.text_key, min(messages.rowid) as row_id
    from messages
    left join members on messages.source_key = members.source_key and messages.member_id = members.member_id
    where
        (
            $everywhere or messages.source_key in (select source_key from touched where is_whole)
            or (messages.source_key, messages.message_id) in (select (source_key, message_id) from news)
        ) and messages.kind = 'message' and messages.text <> ''
        and not coalesce(members.is_bot, false)
        and messages.text_key not in (select text_key from scores where scorer = $name and version = $version)
    group by messages.text_key
)
select
    row_number() over (order by hash(wanted.text_key)) as number,  -- so that the first of them are a fair sample
    wanted.text_key, sources.platform, messages.text
from wanted
inner join messages on wanted.row_id = messages.rowid
inner join sources on messages.source_key = sources.source_key;
select count(*)::bigint from unscored;

-- name: next_unscored
select text_key, platform, text from unscored where number > $done and number <= $done + $count order by number;

-- name: keep_scores
insert into scores by name
select $name as scorer, $version as version, * from batch;

-- name: distinct_seen
select
    count(distinct message_hash)::bigint as known,
    (count(distinct message_hash) filter (where kind = 'system'))::bigint as system
from seen;

-- name: is_new
select count(*) = 0 from duckdb_tables() where table_name = 'about';

-- name: note_new
insert into about values (1, '');

-- name: schema_version
select schema_version from about;

-- name: note_version
update about set schema_version = $version;

-- name: derived_with
select derived_with from about;

-- name: note_derived_with
update about set derived_with = $current;

-- name: count_messages
select count(*) from messages;

-- name: count_touched
select count(*)::bigint from touched;

-- name: derives_all
-- Whether nothing of what was derived before will stay.
select count(*) > 0 and coalesce(bool_and(source_key in (select source_key from touched where is_whole)), false)
from places;

-- name: deciding
-- What people decided that can change a number. A person goes by the least of the accounts, so that no other merge
-- renames them.
create or replace temp table deciding as
select 'ask' as kind, platform, source, message_id as native_id, value
from marks
where value in ('no_reply', 'answered')
union all
select 'label' as kind, platform, source, message_id as native_id, value from labels
union all
select
    'person' as kind, platform, source, member_id as native_id,
    min(concat_ws(chr(0), platform, source, member_id)) over (partition by person) as value
from persons;

-- name: apart
-- What of it the numbers do not know, and what they know although nobody says so any more.
create or replace temp view apart as
(
    from deciding
    except
    from decided
)
union all
(
    from decided
    except
    from deciding
);

-- name: count_renamed
select count(*)::bigint
from (
    select * from deciding where kind = 'person'
    except
    from decided
) as merged
full join (
    select * from decided where kind = 'person'
    except
    from deciding
) as parted on merged.native_id = parted.native_id and merged.source = parted.source;

-- name: count_redecided
select count(*)::bigint from apart;

-- name: note_decided
-- A mark or a label concerns its own message, the merging of accounts the whole of their sources.
create or replace temp table redecided as
select distinct sources.source_key, apart.kind, apart.native_id
from apart
inner join sources on apart.platform = sources.platform and apart.source = sources.source;
delete from touched where source_key in (select source_key from redecided where kind = 'person');
insert into touched select distinct source_key, true as is_whole from redecided where kind = 'person';
insert into touched
select distinct source_key, false as is_whole from redecided where source_key not in (select source_key from touched);
insert into news by name
select
    messages.source_key, messages.message_id, messages.channel_id, messages.member_id, messages.sent_at,
    messages.conversation_id, messages.parent_id
from messages
where
    (messages.source_key, messages.message_id)
    in (select (source_key, native_id) from redecided where kind <> 'person');
delete from decided;
insert into decided by name from deciding;
