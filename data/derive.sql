-- The rules, once: from the facts of the touched sources to conversations, asks, replies, people and weeks.
-- Definitions: the README's "What each number means". Hashes stand for (source, id) pairs: 64 bits, so that two of
-- ten million ids meet by chance in about one database of 400,000.

-- name: role_at
-- Whose side an account was on at a moment: the first roster row that held then, else the platform's own flag.
create or replace temp macro role_at(rules, flagged, moment) as
    coalesce(
        list_filter(rules, lambda rule: moment >= rule.valid_from and moment < rule.valid_to)[1].role, flagged, 'member'
    )::enum('member', 'staff', 'bot');

-- name: sounds_like
-- The scorer is sure of a label from 60 % on; what it is unsure of counts as neutral.
create or replace temp macro sounds_like(cell) as
    case
        when cell // 10 >= 6 then 'negative' when cell % 10 >= 6 then 'positive' when cell is not null then 'neutral'
    end;

-- name: hours_between
-- The difference of two instants is made of days and months: much slower than counting.
create or replace temp macro hours_between(since, until) as (epoch_us(until) - epoch_us(since)) / 3.6e9;

-- name: hour_of_week
create or replace temp macro hour_of_week(here) as ((isodow(here) - 1) * 24 + hour(here))::utinyint;

-- name: source_span
-- A load covers the days from its first to its last record, or the range the export states.
create or replace temp table source_span as
select source_key, min(covered_since) as first_at, max(covered_until) as as_of
from loads
where source_key in (select source_key from touched) and covered_since is not null
group by source_key;

-- name: whole
-- Of which sources everything is derived anew: those that never were, of which much is new, or whose data now begin
-- at another moment, so that others are newcomers. Of the rest, only what the news concerns.
create or replace temp table whole as
select touched.source_key
from touched
left join (
    select source_key, sum(messages) as messages, min(since_at) as since_at from places group by source_key
) as derived on touched.source_key = derived.source_key
left join (
    select source_key, count(*) as messages from news group by source_key
) as fresh on touched.source_key = fresh.source_key
left join source_span on touched.source_key = source_span.source_key
where
    touched.is_whole
    or coalesce(fresh.messages, 0) > $few * coalesce(derived.messages, 0)
    or source_span.first_at is distinct from derived.since_at;

-- name: in_part
create or replace temp view in_part as
select source_key from touched where source_key not in (select source_key from whole);

-- name: people
-- Who spoke, and their role: bots and staff as the platform flags them, unless a roster row says otherwise. Where the
-- side of somebody known has changed, or one of staff is new, all that was said with them counts differently. Accounts
-- that somebody has merged keep a role each, and share a person.
create or replace temp table account as
with spoke as (
    select distinct source_key, member_id from messages
    where member_id is not null and source_key in (select source_key from touched)
),
described as (
    select
        spoke.source_key, spoke.member_id, members.name, members.handle,
        case
            when members.is_bot or members.name like '%[bot]' or members.handle like '%[bot]' then 'bot'
            when members.is_staff then 'staff'
            else 'member'
        end as flagged,
        sources.platform, sources.source, sources.source_name, members.email_domain
    from spoke
    inner join sources on spoke.source_key = sources.source_key
    left join members
        on spoke.source_key = members.source_key and spoke.member_id = members.member_id
),
listed as (
    select
        described.source_key, described.member_id,
        list(
            {role: roster.role, valid_from: roster.valid_from, valid_to: roster.valid_to} order by roster.position
        ) as rules
    from described
    inner join roster
        on
            coalesce(roster.platform = described.platform, true)
            and coalesce(roster.source in (described.source, described.source_name), true)
            and coalesce(roster.id = described.member_id, true)
            and coalesce(lower(roster.name) in (lower(described.name), lower(described.handle)), roster.name is null)
            and coalesce(roster.email_domain = described.email_domain, roster.email_domain is null)
            and coalesce(
                lower(described.name) glob roster.pattern or lower(described.handle) glob roster.pattern,
                roster.pattern is null
            )
    group by all
)
select
    coalesce(merged.person_id, hash(described.source_key, described.member_id)) as person_id,
    described.source_key, described.member_id, described.name, described.handle, described.flagged, listed.rules,
    hash(described.flagged, listed.rules) as side
from described
left join listed on described.source_key = listed.source_key and described.member_id = listed.member_id
left join merged on hash(described.source_key, described.member_id) = merged.account_id;

insert into whole
select distinct account.source_key
from account
left join people on account.source_key = people.source_key and account.member_id = people.member_id
where
    account.source_key not in (from whole)
    and case
        when people.side is not null then people.side <> account.side
        when account.flagged <> 'member' or account.rules is not null
            then (account.source_key, account.member_id) in (select (source_key, member_id) from news)
    end;

-- name: places
create or replace temp table place as
select
    hash(used.source_key, used.channel_id) as place_id,
    used.source_key, used.channel_id, coalesce(channels.name, used.channel_id) as channel_name,
    coalesce(channels.kind, 'chat') as kind, coalesce(channels.is_private, false) as is_private,
    sources.platform, sources.source, sources.source_name, sources.is_demo
from (
    select distinct source_key, channel_id from messages
    where source_key in (select source_key from touched)
) as used
inner join sources on used.source_key = sources.source_key
left join channels on used.source_key = channels.source_key and used.channel_id = channels.channel_id;

insert into whole
select distinct place.source_key
from place
inner join places on place.place_id = places.place_id
where
    place.source_key not in (from whole)
    and (place.kind, place.is_private) is distinct from (places.kind, places.is_private);

-- name: whole_together
-- News of a person with several accounts, and all that a whole source says of one, changes what their other accounts'
-- messages were: the first, the last before a silence, their own.
insert into whole
with recursive reached as (
    select source_key from whole
    union
    select merged.source_key
    from merged
    inner join news on merged.account_id = hash(news.source_key, news.member_id)
    union
    select there.source_key
    from reached
    inner join merged as here on reached.source_key = here.source_key
    inner join merged as there on here.person_id = there.person_id
)
select source_key from reached
where source_key not in (from whole);

-- name: place_rules
-- The first row of [[channels]] that fits says what a channel is for.
create or replace temp table place_rule as
select
    place.place_id,
    arg_min(channel_rules.purpose, channel_rules.position) as purpose,
    arg_min(channel_rules.target_hours, channel_rules.position) as target_hours,
    arg_min(channel_rules.calendar, channel_rules.position) as calendar,
    arg_min(channel_rules.versions, channel_rules.position) filter (where channel_rules.calendar is not null)
    as versions
from place
inner join channel_rules
    on
        (place.channel_id = channel_rules.channel or lower(place.channel_name) glob lower(channel_rules.channel))
        and coalesce(channel_rules.platform = place.platform, true)
        and coalesce(channel_rules.source in (place.source, place.source_name), true)
group by place.place_id;

-- name: news_days
-- The days of channels that have news, and who brought them.
create or replace temp table news_day as
select
    *, hash(source_key, channel_id) as place_id,
    timezone($zone, day::timestamp) as since_at, timezone($zone, (day + 1)::timestamp) as until_at
from (
    select distinct source_key, channel_id, timezone($zone, sent_at)::date as day
    from news
    where source_key in (from in_part)
);
create or replace temp table news_pair as
select distinct
    hash(news.source_key, news.channel_id) as place_id,
    coalesce(account.person_id, hash(news.source_key, news.member_id)) as person_id
from news
left join account on news.source_key = account.source_key and news.member_id = account.member_id
where news.source_key in (from in_part);
create or replace temp view renewed as
select person_id from news_pair
union
select person_id from merged;

-- name: concerned
-- The conversations that news may change, by their nodes: those they are in, answer, or were missing from; in a chat
-- channel, all that was said in the day before and after; and those in which the people of the news began.
create or replace temp table concerned as
with fresh as (
    select
        source_key, hash(source_key, message_id) as line_id, parent_id,
        hash(source_key, coalesce(conversation_id, message_id)) as node
    from news
    where source_key in (from in_part)
),
spoken as (
    select hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) as node
    from messages
    inner join news_day
        on
            messages.source_key = news_day.source_key and messages.channel_id = news_day.channel_id
            and messages.sent_at >= news_day.since_at - interval 24 hours
            and messages.sent_at < news_day.until_at + interval 24 hours
    inner join place on news_day.place_id = place.place_id
    where place.kind = 'chat'
    union all
    select hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) as node
    from messages
    where (messages.source_key, messages.message_id) in (select (source_key, parent_id) from fresh)
),
seed as (
    from spoken
    union
    select unnest([line_id, node]) as node from fresh
    union
    select hash(source_key, parent_id) as node from fresh where parent_id is not null
    union
    select line_id as node from resolved where target in (select line_id from fresh)
    union
    select first_node as node from people where person_id in (select person_id from news_pair)
),
known as (
    select distinct coalesce(resolved.conversation_key, seed.node) as node
    from seed
    left join resolved on seed.node = resolved.line_id
)
from known
union
select line_id as node from resolved where conversation_key in (from known);

-- name: lines
-- What was said, without the words. A system line is never said by anybody. Of a source with news: what is_told, in
-- conversations they concern, and what is_dated, on their days.
create or replace temp table line as
with wanted as (
    select
        messages.rowid as row_id, messages.source_key, messages.member_id,
        hash(messages.source_key, messages.message_id) as line_id,
        hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) as node,
        hash(messages.source_key, messages.channel_id) as place_id,
        messages.sent_at, messages.text_key,
        messages.deleted_at is not null as is_deleted,
        messages.parent_id is not null as has_parent,
        messages.parent_id is null and (messages.basis is distinct from 'thread') as is_opening,
        len(messages.mentions) > 0 as has_mentions,
        messages.source_key in (from whole) as is_whole, news_day.day is not null as is_dated
    from messages
    left join news_day
        on
            messages.source_key = news_day.source_key and messages.channel_id = news_day.channel_id
            and messages.sent_at >= news_day.since_at and messages.sent_at < news_day.until_at
    where messages.kind = 'message'
)
select
    wanted.* exclude (member_id, is_whole, is_dated),
    coalesce(account.person_id, hash('nobody', wanted.line_id)) as person_id,
    account.person_id is null as is_unknown,
    timezone($zone, wanted.sent_at)::date as day,
    role_at(account.rules, account.flagged, wanted.sent_at) as role,
    wanted.is_whole or wanted.node in (from concerned) as is_told,
    wanted.is_whole or wanted.is_dated as is_dated
from wanted
left join account on wanted.source_key = account.source_key and wanted.member_id = account.member_id
where wanted.is_whole or wanted.is_dated or wanted.node in (from concerned);

-- name: told
-- What is told again of sources with news: its old rows leave the tables below.
create or replace temp table told as
select line_id from line where is_told and source_key in (from in_part)
union
select hash(source_key, message_id) as line_id from news where source_key in (from in_part);

-- name: keep_place_days
delete from place_days
where source_key in (from whole) or (place_id, day) in (select (place_id, day) from news_day);
insert into place_days by name
select
    place_id, source_key, day, min(sent_at) as first_at, max(sent_at) as last_at, count(*) as messages,
    count(*) filter (where role = 'bot') as bot_messages, count(*) filter (where is_unknown) as unknown_messages
from line
where is_dated
group by place_id, source_key, day;

-- name: keep_staff_hours
delete from staff_hours
where source_key in (from whole) or (place_id, day) in (select (place_id, day) from news_day);
insert into staff_hours by name
select
    source_key, place_id, person_id, day, date_trunc('week', day)::date as week,
    hour_of_week(timezone($zone, sent_at)) as hour_of_week, count(*) as messages
from line
where role = 'staff' and not is_deleted and is_dated
group by all
order by day;

-- name: keep_member_days
create or replace temp table member_day as
with said as (
    select
        place_id, person_id, day, count(*) as messages, min(sent_at) as first_at, max(sent_at) as last_at,
        arg_max(node, sent_at) as last_node
    from line
    where role = 'member' and not is_deleted and not is_unknown and is_dated
    group by all
)
from said where place_id in (select place_id from place where source_key in (from whole))
union all
from said where (place_id, person_id) in (select (place_id, person_id) from news_pair)
union all by name
select place_id, person_id, day, messages, first_at, last_at, last_node
from member_days
where
    (place_id, person_id) in (select (place_id, person_id) from news_pair)
    and (place_id, day) not in (select (place_id, day) from news_day);
delete from member_days
where
    place_id in (select place_id from place where source_key in (from whole))
    or (place_id, person_id) in (select (place_id, person_id) from news_pair);
insert into member_days by name
select
    *, date_trunc('week', day)::date as week,
    lead(day) over (partition by place_id, person_id order by day) as next_day
from member_day
order by day;
drop table member_day;

-- name: keep_member_weeks
delete from member_weeks
where
    place_id in (select place_id from place where source_key in (from whole))
    or (place_id, person_id) in (select (place_id, person_id) from news_pair);
insert into member_weeks by name
select
    place_id, person_id, week, case when count(*) = count(next_day) then max(next_day) end as next_day,
    sum(messages)::bigint as messages, min(first_at) as first_at, max(last_at) as last_at
from member_days
where
    place_id in (select place_id from place where source_key in (from whole))
    or (place_id, person_id) in (select (place_id, person_id) from news_pair)
group by all
order by week;

-- name: first_seen
-- When each account first and last spoke, and where it began; is_first: that is where its person began, for accounts
-- that somebody has merged share one. Of those without news, what is known already.
create or replace temp table first_seen as
with said as (
    select person_id, source_key, null as member_id, line_id, node, sent_at, role from line
    where not is_unknown and source_key in (from whole) and person_id not in (select person_id from merged)
    union all by name
    select
        account.person_id, messages.source_key, messages.member_id,
        hash(messages.source_key, messages.message_id) as line_id,
        hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) as node,
        messages.sent_at, role_at(account.rules, account.flagged, messages.sent_at) as role
    from messages
    inner join account on messages.source_key = account.source_key and messages.member_id = account.member_id
    where
        messages.kind = 'message'
        and account.person_id in (from renewed)
),
seen as (
    select
        person_id, source_key, member_id, min(sent_at) as first_at, max(sent_at) as last_at, count(*) as messages,
        arg_max(role, sent_at) as role
    from said
    group by person_id, source_key, member_id
),
begun as (
    select
        seen.person_id, seen.source_key, seen.member_id,
        min(said.line_id) as first_line, arg_min(said.node, said.line_id) as first_node
    from said
    inner join seen
        on
            said.person_id = seen.person_id and said.source_key = seen.source_key
            and (said.member_id is not distinct from seen.member_id)
            and said.sent_at = seen.first_at
    group by all
),
known as (
    select seen.*, begun.first_line, begun.first_node, true as is_fresh
    from seen
    inner join begun
        on
            seen.person_id = begun.person_id and seen.source_key = begun.source_key
            and (seen.member_id is not distinct from begun.member_id)
    union all by name
    select
        person_id, source_key, member_id, first_at, last_at, messages, role, first_line, first_node, false as is_fresh
    from people
    where
        source_key in (from in_part)
        and person_id not in (from renewed)
)
select *, row_number() over (partition by person_id order by first_at, first_line) = 1 as is_first from known;

-- name: keep_people
-- Somebody is a newcomer only where the data starts at least 60 days before their first message: the data of the source
-- in which they said it. Of a person with several accounts the first message is the earliest of all.
delete from people
where
    source_key in (from whole)
    or person_id in (from renewed);
insert into people by name
select
    first_seen.* exclude (member_id, is_fresh, is_first), account.member_id, account.name, account.handle, account.side,
    first_seen.is_first and hours_between(source_span.first_at, first_seen.first_at) >= 60 * 24 as is_newcomer_known
from first_seen
inner join account
    on
        first_seen.person_id = account.person_id and first_seen.source_key = account.source_key
        and coalesce(first_seen.member_id = account.member_id, true)
left join source_span on first_seen.source_key = source_span.source_key
where first_seen.is_fresh;
update people set name = account.name, handle = account.handle
from account
where
    people.source_key = account.source_key and people.member_id = account.member_id
    and (people.name, people.handle) is distinct from (account.name, account.handle);

-- name: spoken
-- The words, of all messages or only of what is told again.
create or replace temp table retold as
select rowid as row_id, messages.*
from messages
where rowid in (select row_id from line where source_key in (from in_part));
create or replace temp view spoken as
select rowid as row_id, messages.* from messages where source_key in (from whole)
union all
from retold;

-- name: timeline
-- What is read one after another in a chat channel: everything but the answers inside a platform's thread. What
-- is_fresh may be tied otherwise than before: all of a whole source, and a day from each news on.
create or replace temp table timeline as
select
    line.line_id, line.row_id, line.source_key, line.place_id, line.person_id, line.sent_at, line.role,
    not line.has_parent as is_top, line.has_mentions,
    line.source_key in (from whole)
    or exists (
        select 1 from news_day
        where
            news_day.place_id = line.place_id
            and line.sent_at >= news_day.since_at and line.sent_at < news_day.until_at + interval 24 hours
    ) as is_fresh,
    lag(line.person_id) over channel as before_person,
    lag(line.sent_at) over channel as before_at,
    lag(line.line_id) over channel as before_line
from line
inner join place on line.place_id = place.place_id
where
    place.kind = 'chat' and line.node = line.line_id and line.role <> 'bot' and not line.is_deleted and line.is_told
window channel as (partition by line.place_id order by line.sent_at, line.line_id);

-- name: named
-- Whom a line names, and what that person had said last.
create or replace temp table named as
with naming as (
    select
        timeline.line_id as node, timeline.place_id, timeline.person_id, timeline.role, timeline.sent_at,
        timeline.is_fresh, hash(messages.source_key, unnest(messages.mentions)) as named_id
    from timeline
    inner join spoken as messages on timeline.row_id = messages.row_id
    where timeline.is_top and timeline.has_mentions
),
meant as (
    -- The account, and whose it is: both, for DuckDB 2.0 fails over a left join here on a million lines.
    from naming
    union all
    select naming.* replace (merged.person_id as named_id)
    from naming
    inner join merged on naming.named_id = merged.account_id
)
select meant.*, spoken.line_id as target, spoken.role as target_role, spoken.sent_at as target_at
from meant
asof left join timeline as spoken
    on
        meant.place_id = spoken.place_id
        and meant.named_id = spoken.person_id
        and meant.sent_at > spoken.sent_at
where meant.person_id <> meant.named_id;

-- name: edges
-- What ties a conversation to an earlier one: the platform's reply-to; the same member going on within 30 minutes
-- with nobody between; a mention of somebody who spoke in that channel in the day before. A member who mentions staff
-- is asking them, not answering, so that mention ties nothing.
create or replace temp table edge as
with answered as (
    select
        line.node, messages.parent_id,
        hash(messages.source_key, messages.parent_id) as parent_hash, 'explicit' as basis
    from line
    inner join spoken as messages on line.row_id = messages.row_id
    where line.has_parent and line.node = line.line_id and line.is_told
),
continued as (
    select line_id as node, before_line as target, 'continued' as basis
    from timeline
    where is_fresh and is_top and person_id = before_person and hours_between(before_at, sent_at) <= 0.5
),
mentioned as (
    select node, arg_max(target, target_at) as target, 'mention' as basis
    from named
    where
        is_fresh and hours_between(target_at, sent_at) <= 24
        and not (role = 'member' and target_role = 'staff')
    group by node
)
select answered.node, coalesce(parent.node, answered.parent_hash) as target, answered.basis
from answered
left join line as parent on answered.parent_hash = parent.line_id
union all
from continued
union all
from mentioned where node not in (select node from continued)
union all
select resolved.line_id as node, resolved.target, resolved.basis
from resolved
inner join timeline on resolved.line_id = timeline.line_id
where not timeline.is_fresh and resolved.basis in ('continued', 'mention');

-- name: roots
-- Each tie followed to its end by doubling. `least` finds the same end for all of a circle, should a platform hand us
-- one.
create or replace temp table root as
select node, target as root, least(node, target) as least from edge;

-- name: roots_open
select count(*)::bigint as n from root semi join edge on root.root = edge.node;

-- name: roots_double
create or replace temp table root as
select
    here.node, coalesce(there.root, here.root) as root,
    least(here.least, coalesce(there.least, here.least)) as least
from root as here
left join root as there on here.root = there.node;

-- name: roots_circles
create or replace temp table root as
select here.node, coalesce(there.least, here.root) as root, here.least
from root as here
left join root as there on here.root = there.node;

-- name: talk
-- Every line in its conversation. A reply cannot be older than what it answers: where a clock was wrong (mail), it
-- counts as said at the same moment.
create or replace temp table talk as
with placed as (
    select
        line.row_id, line.line_id, line.source_key, line.place_id, line.person_id, line.role, line.is_opening,
        coalesce(root.root, line.node) as conversation_key,
        line.role <> 'bot' and not line.is_deleted as is_human,
        line.sent_at, line.day, line.text_key
    from line
    left join root on line.node = root.node
    where line.is_told
),
timed as (
    select
        placed.* exclude (sent_at, day), greatest(placed.sent_at, coalesce(opening.sent_at, placed.sent_at)) as sent_at,
        case when opening.sent_at > placed.sent_at then opening.day else placed.day end as day,
        placed.line_id <> placed.conversation_key as is_later
    from placed
    left join line as opening
        on placed.conversation_key = opening.line_id and placed.line_id <> opening.line_id
),
followed as (
    select
        *,
        row_number() over told as position,
        lag(case when is_human then person_id end ignore nulls) over told as before_by,
        lag(case when is_human then sent_at end ignore nulls) over told as before_at
    from timed
    window told as (partition by conversation_key order by sent_at, is_later, line_id)
)
select * exclude (is_later), is_human and (before_by is distinct from person_id) as is_turn from followed;

drop table root;
drop table line;

-- name: keep_resolved
delete from resolved where source_key in (from whole) or conversation_key in (from concerned);
insert into resolved by name
select talk.source_key, talk.line_id, talk.conversation_key, edge.target, edge.basis
from edge
inner join talk on edge.node = talk.line_id;

-- name: inferred
-- What a line in a chat channel seems to answer, where no tie says the same: a guess, the first of these that fits.
-- Whoever is named answers with their next words, within five minutes, unless these name only others.
-- Who goes on alone and names somebody has turned to them, and answers their last words, up to 30 minutes old.
-- Else the next message by another human within 30 minutes, where these two were alone for the last five: in a crowd,
-- nine times out of ten, the line before belongs to another conversation. `python -m bench inferred` scores the rule.
delete from guesses
where
    source_key in (from whole)
    or (line_id in (from told) and line_id not in (select line_id from timeline where not is_fresh));
insert into guesses by name
with named_back as (
    select spoken.line_id as node, named.node as target, named.sent_at as target_at, named.person_id as target_id
    from named
    asof inner join timeline as spoken
        on
            named.place_id = spoken.place_id
            and named.named_id = spoken.person_id
            and named.sent_at < spoken.sent_at
    where spoken.is_top and hours_between(named.sent_at, spoken.sent_at) <= 5 / 60
),
answering as (
    select named_back.node, arg_max(named_back.target, named_back.target_at) as target
    from named_back
    left join named on named_back.node = named.node
    where coalesce(named.named_id = named_back.target_id, true)
    group by named_back.node
),
turning as (
    select named.node, arg_max(named.target, named.target_at) as target
    from named
    inner join edge on named.node = edge.node and edge.basis = 'continued'
    where hours_between(named.target_at, named.sent_at) <= 0.5 and not (role = 'member' and target_role = 'staff')
    group by named.node
),
turns as (
    select
        line_id, place_id, person_id, sent_at, before_line, before_at, is_top and not has_mentions as is_plain,
        lag(before_person) over channel as third_id, lag(before_at) over channel as third_at
    from timeline
    where person_id <> before_person
    window channel as (partition by place_id order by sent_at, line_id)
),
crowded as (
    select
        *,
        last_value(case when third_id <> person_id then third_at end ignore nulls) over (
            partition by place_id order by sent_at, line_id
        ) as crowd_at
    from turns
),
following as (
    select line_id as node, before_line as target
    from crowded
    where
        is_plain and hours_between(before_at, sent_at) <= 0.5
        and coalesce(hours_between(crowd_at, sent_at) > 5 / 60, true)
),
guess as (
    select
        coalesce(answering.node, following.node) as node, coalesce(answering.target, following.target) as target
    from answering
    full join following on answering.node = following.node
    union all
    from turning
)
select
    said.source_key, guess.node as line_id, said.sent_at, said.person_id, said.role,
    guess.target, answered.person_id as answered_id, answered.role as answered_role
from guess
inner join timeline as said on guess.node = said.line_id
inner join timeline as answered on guess.target = answered.line_id
anti join edge on guess.node = edge.node and guess.target = edge.target
where said.is_fresh;
create or replace temp table inferred as
select
    guesses.* replace (greatest(guesses.sent_at, talk.sent_at) as sent_at),
    talk.conversation_key, talk.sent_at as answered_at
from guesses
inner join talk on guesses.target = talk.line_id;

drop table timeline;
drop table named;
drop table edge;

-- name: keep_conversations
delete from conversations where source_key in (from whole) or conversation_key in (from concerned);
insert into conversations by name
select
    conversation_key, any_value(source_key) as source_key, any_value(place_id) filter (where position = 1) as place_id,
    min(sent_at) as opened_at, max(sent_at) as last_at, count(*) as lines
from talk
group by conversation_key;

-- name: heard
-- What the scorer in use said of each text.
create or replace temp view heard as
select
    scores.text_key, scores.label,
    case
        when scores.label is not null
            then (10 * least(floor(scores.negative * 10), 9) + least(floor(scores.positive * 10), 9))::utinyint
    end as cell
from scores
inner join scorer on scores.scorer = scorer.name and scores.version = scorer.version;

-- name: keep_sentiments
-- How members sound. What a person says of a message wins over the scorer.
delete from sentiments where source_key in (from whole) or line_id in (from told);
insert into sentiments by name
select
    talk.line_id, talk.source_key, talk.place_id, talk.person_id, talk.sent_at as said_at, talk.day,
    date_trunc('week', talk.day)::date as week, talk.text_key, coalesce(labelled.label, heard.label) as label,
    case labelled.label when 'negative' then 90 when 'neutral' then 0 when 'positive' then 9 else heard.cell end as cell
from talk
left join heard on talk.text_key = heard.text_key
left join (
    select hash(sources.source_key, labels.message_id) as line_id, any_value(labels.value) as label
    from labels
    inner join sources on labels.platform = sources.platform and labels.source = sources.source
    where labels.value <> 'unsure'
    group by all
) as labelled on talk.line_id = labelled.line_id
where talk.role = 'member' and talk.is_human
order by talk.day;

-- name: turns
-- What one person says before anybody else speaks is one turn.
create or replace temp table turn as
select
    row_id, line_id, source_key, place_id, conversation_key, person_id, role, is_opening, sent_at, day,
    before_by, before_at, position,
    lead(position) over (partition by conversation_key order by position) as next_position
from talk
where is_turn;

-- name: opened
-- From when on members take part.
create or replace temp table opened as
select conversation_key, min(position) as position, min(sent_at) as sent_at
from turn
where role = 'member'
group by conversation_key;

-- name: going_on
-- What else is said in a turn.
create or replace temp table going_on as
select turn.line_id as turn_id, talk.row_id, talk.line_id, talk.position
from talk
asof inner join turn on talk.conversation_key = turn.conversation_key and talk.position >= turn.position
where talk.is_human and not talk.is_turn;

-- name: asked
-- An opener, or a member's words after a day of silence between both sides. Going on alone is no new ask: the clock
-- started at the first of the consecutive messages. A conversation whose first message is not here has no opener.
create or replace temp table asked as
select
    line_id as ask_id, row_id, source_key, place_id, conversation_key, person_id,
    sent_at as asked_at, day, position, position = 1 and is_opening as is_opener
from turn
where role = 'member' and ((position = 1 and is_opening) or hours_between(before_at, sent_at) >= 24);

-- name: replies
create or replace temp table reply as
select
    asked.ask_id,
    min(turn.position) as position,
    min(turn.sent_at) as reply_at,
    arg_min(turn.person_id, turn.position) as reply_by,
    min(turn.sent_at) filter (where turn.role = 'staff') as staff_reply_at,
    arg_min(turn.person_id, turn.position) filter (where turn.role = 'staff') as staff_reply_by,
    min(turn.sent_at) filter (where turn.role = 'member') as peer_reply_at
from asked
inner join turn
    on
        asked.conversation_key = turn.conversation_key
        and asked.position < turn.position
        and asked.person_id <> turn.person_id
group by asked.ask_id;

-- name: inferred_replies
create or replace temp table inferred_reply as
select
    asked.ask_id, min(inferred.sent_at) as inferred_reply_at,
    arg_min(inferred.person_id, inferred.sent_at) as inferred_reply_by,
    min(inferred.sent_at) filter (where inferred.role = 'staff') as inferred_staff_reply_at,
    min(inferred.sent_at) filter (where inferred.role = 'member') as inferred_peer_reply_at
from inferred
inner join asked
    on
        inferred.conversation_key = asked.conversation_key
        and inferred.answered_id = asked.person_id
        and inferred.answered_at >= asked.asked_at
group by asked.ask_id;

-- name: again
-- When the asker spoke again after the first reply, and how they sounded last within a week of asking.
create or replace temp table again as
select
    asked.ask_id, min(talk.sent_at) as again_at,
    sounds_like(
        arg_max(sentiments.cell, talk.position) filter (where talk.sent_at <= asked.asked_at + interval 7 days)
    ) as ended
from asked
inner join reply on asked.ask_id = reply.ask_id
inner join talk
    on
        asked.conversation_key = talk.conversation_key
        and asked.person_id = talk.person_id
        and reply.position < talk.position
left join sentiments on talk.line_id = sentiments.line_id
where talk.is_human
group by asked.ask_id;

-- name: keep_praise
-- Praise: a member's words that the scorer is sure are positive, and that are more than a courtesy. Thanked: staff
-- spoke later in that conversation; reacted: a member of staff left a reaction.
delete from praise where source_key in (from whole) or line_id in (from told);
insert into praise by name
with kind as (
    select
        talk.line_id, talk.source_key, talk.place_id, talk.person_id, talk.conversation_key, talk.position, talk.row_id
    from talk
    inner join sentiments on talk.line_id = sentiments.line_id
    where sounds_like(sentiments.cell) = 'positive'
),
said as (
    select kind.*, messages.message_id, messages.sent_at, lower(without_links(messages.text)) as words
    from kind
    inner join spoken as messages on kind.row_id = messages.row_id
),
reacted as (
    select hash(reactions.source_key, reactions.message_id) as line_id
    from reactions
    inner join account on reactions.source_key = account.source_key and reactions.member_id = account.member_id
    inner join said on reactions.source_key = said.source_key and reactions.message_id = said.message_id
    where role_at(account.rules, account.flagged, said.sent_at) = 'staff' and account.person_id <> said.person_id
    group by all
)
select
    said.line_id, said.source_key, said.place_id, said.person_id, said.message_id, said.sent_at as said_at,
    date_trunc('week', timezone($zone, said.sent_at))::date as week,
    min(turn.sent_at) as thanked_at, any_value(reacted.line_id) is not null as is_reacted
from said
left join turn
    on
        said.conversation_key = turn.conversation_key and said.position < turn.position
        and turn.role = 'staff' and said.person_id <> turn.person_id
left join reacted on said.line_id = reacted.line_id
where not is_courtesy(said.words, $courtesy) and not is_too_short(said.words)
group by all
order by said_at;

-- name: keep_staff_days
-- What staff say answers a member where a member has spoken before it in that conversation.
delete from staff_days where source_key in (from whole) or conversation_key in (from concerned);
insert into staff_days by name
with said as (
    select
        talk.source_key, talk.place_id, talk.day, talk.conversation_key, talk.position, talk.sent_at, talk.line_id
    from talk
    inner join place on talk.place_id = place.place_id
    where talk.role = 'staff' and talk.is_human and not place.is_private
)
select
    said.source_key, said.place_id, said.conversation_key, said.day, date_trunc('week', said.day)::date as week,
    count(*) as messages,
    count(*) filter (where opened.position < said.position) as answers,
    count(*) filter (
        where coalesce(opened.position > said.position, true)
        and said.line_id in (select line_id from guesses where answered_role = 'member')
    ) as inferred_answers
from said
left join opened on said.conversation_key = opened.conversation_key
group by all
order by said.day;
drop table talk;

-- name: ask_words
-- What all a member said in that turn says of itself, so that "hi" and the question after it are one ask. The words
-- themselves go no further: with them the tables below would not fit in memory.
create or replace temp table ask_words as
with more as (
    select
        going_on.turn_id as ask_id, string_agg(messages.text, chr(10) order by going_on.position) as text,
        flatten(list(messages.mentions)) as mentions,
        list(sounds_like(sentiments.cell)) as sounds
    from going_on
    inner join spoken as messages on going_on.row_id = messages.row_id
    left join sentiments on going_on.line_id = sentiments.line_id
    where going_on.turn_id in (select ask_id from asked)
    group by going_on.turn_id
),
said as (
    select
        asked.ask_id, messages.message_id,
        lower(without_links(concat_ws(chr(10), messages.title, messages.text, more.text))) as words,
        list_concat(messages.mentions, coalesce(more.mentions, [])) as mentions,
        list_append(coalesce(more.sounds, []), sounds_like(sentiments.cell)) as sounds
    from asked
    inner join spoken as messages on asked.row_id = messages.row_id
    left join sentiments on asked.ask_id = sentiments.line_id
    left join more on asked.ask_id = more.ask_id
)
select
    ask_id, message_id, mentions, has_word(words, $brands) as has_brand,
    case
        when list_contains(sounds, 'negative') then 'negative' when list_contains(sounds, 'positive') then 'positive'
        else list_max(sounds)
    end as sentiment,
    case
        when is_courtesy(words, $courtesy) then 'courtesy'
        when has_question_mark(words) then 'question'
        when is_too_short(words) then 'too short'
        when has_question_word(words, $question) then 'question'
    end as said
from said;

-- name: staff_mentions
create or replace temp table staff_mention as
select distinct asked.ask_id
from (
    select ask_id, unnest(mentions) as member_id from ask_words
) as named
inner join asked on named.ask_id = asked.ask_id
inner join account on asked.source_key = account.source_key and named.member_id = account.member_id
where role_at(account.rules, account.flagged, asked.asked_at) = 'staff';

-- name: verdicts
create or replace temp table verdict as
select hash(source_key, message_id) as ask_id, any_value(reason) as reason from verdicts group by all;

-- name: marked
-- A person's word wins over every rule.
create or replace temp table marked as
select distinct hash(sources.source_key, marks.message_id) as ask_id
from marks
inner join sources on marks.platform = sources.platform and marks.source = sources.source
where marks.value = 'no_reply';

-- name: openings
-- When each calendar is open, day by day in its own time zone, and for how long it was open before. The first row has
-- no length: it is the day from which on there is a calendar.
create or replace temp table opening as
with used as (
    select
        place_rule.calendar, any_value(place_rule.versions) as versions, max(source_span.as_of)::date + 1 as until_day
    from place_rule
    inner join place on place_rule.place_id = place.place_id
    inner join source_span on place.source_key = source_span.source_key
    where place_rule.calendar is not null
    group by place_rule.calendar
),
version as (
    select calendar, until_day, unnest(versions, max_depth := 2) from used
),
days as (
    select
        *,
        unnest(generate_series(
            greatest(valid_from, date '1990-01-01'), least(valid_to - 1, until_day), interval 1 day
        ))::date as day
    from version
),
hours as (
    select calendar, timezone(time_zone, day + opens) as opens_at, timezone(time_zone, day + closes) as closes_at
    from days
    where list_contains(days, isodow(day)) and not list_contains(holidays, day)
    union all
    select calendar, arg_min(timezone(time_zone, valid_from::timestamp), valid_from) as opens_at, opens_at as closes_at
    from version
    group by calendar
),
apart as (
    select
        calendar, closes_at,
        -- Versions in different time zones may overlap on the day that one follows the other.
        least(closes_at, greatest(opens_at, lag(closes_at, 1, opens_at) over (partition by calendar order by opens_at)))
        as opens_at
    from hours
)
select
    *,
    sum(epoch_us(closes_at) - epoch_us(opens_at)) over (partition by calendar order by opens_at, closes_at)
    - (epoch_us(closes_at) - epoch_us(opens_at)) as open_before
from apart;

-- name: readings
-- A calendar's clock runs while it is open. What it showed, in microseconds, at each ask and its replies, and at as_of:
-- how long it was open in between is the difference of two readings.
create or replace temp table reading as
with moments as (
    select
        asked.ask_id, place_rule.calendar, unnest(['asked', 'reply', 'inferred']) as what,
        unnest([asked.asked_at, reply.reply_at, inferred_reply.inferred_reply_at]) as moment
    from asked
    inner join place_rule on asked.place_id = place_rule.place_id
    left join reply on asked.ask_id = reply.ask_id
    left join inferred_reply on asked.ask_id = inferred_reply.ask_id
    where place_rule.calendar is not null
    union all
    select place.place_id as ask_id, place_rule.calendar, 'as_of' as what, source_span.as_of as moment
    from place
    inner join place_rule on place.place_id = place_rule.place_id
    inner join source_span on place.source_key = source_span.source_key
),
clock as (
    select
        moments.ask_id, moments.what,
        (opening.open_before + epoch_us(least(moments.moment, opening.closes_at)) - epoch_us(opening.opens_at))::bigint
        as shown
    from moments
    asof inner join opening on moments.calendar = opening.calendar and moments.moment >= opening.opens_at
)
select
    ask_id, any_value(shown) filter (where what = 'asked') as asked,
    any_value(shown) filter (where what = 'reply') as reply,
    any_value(shown) filter (where what = 'inferred') as inferred,
    any_value(shown) filter (where what = 'as_of') as as_of
from clock
group by ask_id;

-- name: judged
-- needs_reply, first rule that fits: a person's mark; no for courtesies and under three words without a question mark;
-- yes for a question, a mention of staff or the brand, unhappy words, a newcomer's first post; then what the channel is
-- for; then whether the platform gives every conversation its own thread.
create or replace temp table newcomer_ask as
select asked.ask_id
from first_seen
inner join source_span on first_seen.source_key = source_span.source_key
inner join asked on first_seen.person_id = asked.person_id and first_seen.first_at = asked.asked_at
where
    first_seen.is_first and first_seen.source_key = asked.source_key
    and hours_between(source_span.first_at, first_seen.first_at) >= 60 * 24;
create or replace temp table judged as
select
    asked.ask_id, ask_words.message_id, ask_words.sentiment, newcomer_ask.ask_id is not null as is_newcomer,
    case
        when marked.ask_id is not null then 'marked: no reply needed'
        when verdict.reason is not null then verdict.reason
        when ask_words.said is not null then ask_words.said
        when staff_mention.ask_id is not null then 'mentions staff'
        when ask_words.has_brand then 'mentions the brand'
        when ask_words.sentiment = 'negative' then 'unhappy'
        when is_newcomer then 'newcomer'
        when place_rule.purpose = 'help' then 'help channel'
        when place_rule.purpose = 'chat' then 'chat channel'
        when asked.is_opener and place.kind = 'forum' then 'opens a thread'
        else 'chat'
    end as reason
from asked
inner join ask_words on asked.ask_id = ask_words.ask_id
inner join place on asked.place_id = place.place_id
left join place_rule on asked.place_id = place_rule.place_id
left join newcomer_ask on asked.ask_id = newcomer_ask.ask_id
left join staff_mention on asked.ask_id = staff_mention.ask_id
left join verdict on asked.ask_id = verdict.ask_id
left join marked on asked.ask_id = marked.ask_id;
drop table ask_words;

-- name: keep_asks
delete from asks where source_key in (from whole) or ask_id in (from told);
insert into asks by name
select
    asked.* exclude (row_id, day, position), judged.* exclude (ask_id), date_trunc('week', asked.day)::date as week,
    judged.reason not in ('marked: no reply needed', 'courtesy', 'too short', 'chat channel', 'chat') as needs_reply,
    again.* exclude (ask_id), reply.* exclude (ask_id, position), inferred_reply.* exclude (ask_id),
    hour_of_week(timezone($zone, asked.asked_at)) as hour_of_week,
    reading.asked as business_asked, reading.reply as business_reply, reading.inferred as business_inferred_reply
from asked
inner join judged on asked.ask_id = judged.ask_id
left join reply on asked.ask_id = reply.ask_id
left join again on asked.ask_id = again.ask_id
left join inferred_reply on asked.ask_id = inferred_reply.ask_id
left join reading on asked.ask_id = reading.ask_id;
drop table judged;

-- name: keep_reply_pairs
-- A turn answers the turn before it in its conversation.
delete from reply_pairs where source_key in (from whole) or conversation_key in (from concerned);
insert into reply_pairs by name
select
    source_key, place_id, conversation_key, person_id as replier_id, before_by as asker_id, day, count(*) as replies
from turn
where before_by is not null
group by all;

-- name: keep_newcomers
-- A newcomer's first post opens a conversation or joins one; whoever speaks next there replies to it.
delete from newcomers where source_key in (from whole) or line_id in (from told);
insert into newcomers by name
with guessed as (
    select conversation_key, answered_id as person_id, min(sent_at) as sent_at from inferred group by all
)
select
    turn.line_id, turn.source_key, turn.place_id, turn.person_id, messages.message_id, turn.sent_at as first_at,
    date_trunc('week', turn.day)::date as week, answer.sent_at as reply_at, guessed.sent_at as inferred_reply_at
from people
inner join turn on people.first_line = turn.line_id
inner join spoken as messages on turn.row_id = messages.row_id
left join turn as answer
    on turn.conversation_key = answer.conversation_key and turn.next_position = answer.position
left join guessed on turn.conversation_key = guessed.conversation_key and turn.person_id = guessed.person_id
where people.is_newcomer_known and turn.role = 'member'
order by first_at;
update newcomers set back_at = null where person_id in (select person_id from news_pair);
update newcomers set back_at = back.first_at
from (
    select newcomers.person_id, min(member_days.first_at) as first_at
    from newcomers
    inner join member_days on newcomers.person_id = member_days.person_id
    where
        newcomers.back_at is null and newcomers.source_key in (select source_key from touched)
        and member_days.day > timezone($zone, newcomers.first_at)::date
    group by newcomers.person_id
) as back
where newcomers.person_id = back.person_id;

-- name: later
-- Turns that go on: of somebody who asked, after their ask; of staff, where a member spoke before.
create or replace temp table later as
with answered as (
    select ask_id, conversation_key, person_id, position from asked where ask_id in (select ask_id from reply)
)
select turn.* exclude (before_by, before_at), answered.ask_id
from turn
asof inner join answered
    on
        turn.conversation_key = answered.conversation_key
        and turn.person_id = answered.person_id
        and turn.position > answered.position
where turn.role = 'member' and turn.position > 2 and turn.line_id not in (select ask_id from asked)
union all by name
select turn.* exclude (before_by, before_at)
from turn
inner join opened on turn.conversation_key = opened.conversation_key and turn.position > opened.position
where turn.role = 'staff';

-- name: later_words
-- Whether all that was said in such a turn is a courtesy, or too short to mean anything. Of words that are no longer
-- kept, what was found when they were.
create or replace temp table later_words as
with said as (
    select line_id, row_id, position from later
    union all
    select turn_id as line_id, row_id, position from going_on where turn_id in (select line_id from later)
),
words as (
    select
        said.line_id, said.position, messages.message_id, messages.text_key,
        messages.text = '' and messages.text_key <> hash(messages.source_key, '') as is_lost,
        coalesce(messages.attachments, 0) > 0 as is_shown, lower(without_links(messages.text)) as words
    from said
    inner join spoken as messages on said.row_id = messages.row_id
)
select
    words.line_id, arg_min(words.message_id, words.position) as message_id,
    arg_min(words.text_key, words.position) as text_key,
    case
        when bool_or(words.is_lost) then any_value(verdict.reason)
        when bool_or(words.is_shown) then null
        when bool_and(is_courtesy(words.words, $courtesy)) then 'courtesy'
        when bool_and(is_too_short(words.words) and not has_question_mark(words.words)) then 'too short'
    end as said
from words
left join verdict on words.line_id = verdict.ask_id
group by words.line_id;

-- name: keep_later_turns
delete from later_turns where source_key in (from whole) or line_id in (from told);
insert into later_turns by name
select
    later.line_id, later.source_key, later.place_id, later.ask_id, later_words.message_id, later.person_id,
    later.sent_at as said_at, date_trunc('week', later.day)::date as week, later_words.said, next.sent_at as reply_at
from later
inner join later_words on later.line_id = later_words.line_id
left join turn as next
    on later.conversation_key = next.conversation_key and later.next_position = next.position
where later.ask_id is not null
order by said_at;

-- name: keep_staff_replies
create or replace temp table staff_reply as
select
    later.line_id, later.source_key, later.place_id, later_words.message_id, later.person_id,
    later.sent_at as said_at, date_trunc('week', later.day)::date as week,
    case when later_words.said = 'courtesy' then 'courtesy' end as said, later_words.text_key
from later
inner join later_words on later.line_id = later_words.line_id
where later.ask_id is null;
create or replace temp table copied as
select text_key from staff_reply
union
select text_key from staff_replies where line_id in (from told);
delete from staff_replies where source_key in (from whole) or line_id in (from told);
insert into staff_reply by name
select * exclude (is_copy) from staff_replies where text_key in (from copied);
delete from staff_replies where text_key in (from copied);
insert into staff_replies by name
select
    *,
    text_key <> hash(source_key, '')
    and row_number() over (partition by text_key order by said_at, line_id) > 1 as is_copy
from staff_reply
order by said_at;

-- name: keep_places
delete from places where source_key in (select source_key from touched);
insert into places by name
select
    place.place_id, place.source_key, place.platform, place.source, place.source_name, place.is_demo,
    place.channel_id as channel, place.channel_name, place.channel_name as channel_label, place.kind, place.is_private,
    place_rule.purpose, place_rule.target_hours, said.first_at, said.last_at,
    source_span.first_at as since_at, source_span.as_of, reading.as_of as business_as_of,
    coalesce(said.messages, 0) as messages, coalesce(said.bot_messages, 0) as bot_messages,
    coalesce(said.unknown_messages, 0) as unknown_messages
from place
left join place_rule on place.place_id = place_rule.place_id
left join reading on place.place_id = reading.ask_id
left join source_span on place.source_key = source_span.source_key
left join (
    select
        place_id, min(first_at) as first_at, max(last_at) as last_at, sum(messages)::bigint as messages,
        sum(bot_messages)::bigint as bot_messages, sum(unknown_messages)::bigint as unknown_messages
    from place_days
    group by place_id
) as said on place.place_id = said.place_id;

-- name: label_places
-- A name that two sources use is told apart.
update places set channel_label = channel_name || case when twice.n > 1 then ' (' || source_name || ')' else '' end
from (
    select channel_name as name, count(distinct source_key) as n from places group by channel_name
) as twice
where places.channel_name = twice.name;

-- name: keep_source_days
-- With the day from which on a silence may be judged otherwise than before.
create or replace temp table source_day as
with spans as (
    select
        source_key,
        timezone($zone, covered_since)::date as since_day,
        -- A range that ends at midnight has nothing of the day that begins there, unless something was said just then.
        case
            when (source_key, covered_until) in (select (source_key, first_at) from place_days)
                then timezone($zone, covered_until)::date
            else timezone($zone, covered_until - interval 1 microsecond)::date
        end as until_day
    from loads
    where covered_since is not null and source_key in (select source_key from touched)
),
bounds as (
    select source_key, min(since_day) as since_day, max(until_day) as until_day from spans group by source_key
),
days as (
    select source_key, unnest(generate_series(since_day, until_day, interval 1 day))::date as day from bounds
),
said as (
    select source_key, day, sum(messages)::bigint as messages from place_days group by source_key, day
)
select
    days.source_key, days.day, date_trunc('week', days.day)::date as week,
    exists(
        select 1 from spans
        where spans.source_key = days.source_key and days.day between spans.since_day and spans.until_day
    ) as is_covered,
    coalesce(said.messages, 0) as messages
from days
left join said on days.source_key = said.source_key and days.day = said.day;
create or replace temp table silent_since as
select source_key, date '1990-01-01' as day from whole
union all
select
    source_day.source_key,
    least(
        max(source_days.day),
        min(source_day.day) filter (where source_day.is_covered is distinct from source_days.is_covered)
    ) - 29 as day
from source_day
left join source_days on source_day.source_key = source_days.source_key and source_day.day = source_days.day
where source_day.source_key in (from in_part)
group by source_day.source_key;
delete from source_days where source_key in (select source_key from touched);
insert into source_days by name from source_day;

-- name: keep_lapses
-- A silence of 28 days in the whole source, 90 % of them covered: a hole in the data is no silence. Whoever is staff
-- now has not left, nor has anybody who speaks on in another source: of merged accounts the last to speak lapses.
create or replace temp table lapse_person as
select person_id from news_pair
union
select person_id from lapses where conversation_key in (from concerned)
union
select person_id from merged;
delete from lapses
using silent_since
where
    lapses.source_key = silent_since.source_key
    and (
        timezone($zone, lapses.last_at)::date >= silent_since.day
        or lapses.person_id in (from lapse_person)
    );
insert into lapses by name
with days as (
    select
        source_key, day,
        sum(is_covered::integer) over (
            partition by source_key order by day rows between 1 following and 28 following
        ) as covered_after
    from source_days
    where source_key in (select source_key from touched)
),
present as (
    select
        place.source_key, member_days.person_id, member_days.day,
        min(member_days.first_at) as first_at, max(member_days.last_at) as last_at,
        arg_max(member_days.place_id, member_days.last_at) as place_id,
        arg_max(member_days.last_node, member_days.last_at) as last_node, any_value(source_span.as_of) as as_of
    from member_days
    inner join place on member_days.place_id = place.place_id
    inner join silent_since on place.source_key = silent_since.source_key
    inner join source_span on place.source_key = source_span.source_key
    where member_days.day >= silent_since.day or member_days.person_id in (from lapse_person)
    group by all
),
silence as (
    select *, lead(first_at) over (partition by person_id order by last_at) as next_at
    from present
    qualify hours_between(last_at, coalesce(next_at, as_of)) >= 28 * 24
)
select
    silence.source_key, silence.place_id, silence.person_id, silence.last_at,
    date_trunc('week', silence.day)::date as week, coalesce(resolved.conversation_key, silence.last_node)
    as conversation_key
from silence
inner join days on silence.source_key = days.source_key and silence.day = days.day
inner join (
    select person_id, arg_max(role, last_at) as role from first_seen group by person_id
) as person on silence.person_id = person.person_id
left join resolved on silence.last_node = resolved.line_id
where
    days.covered_after >= 0.9 * 28
    and (silence.next_at is not null or person.role = 'member')
order by silence.last_at;

-- name: done
delete from touched;
delete from news;
