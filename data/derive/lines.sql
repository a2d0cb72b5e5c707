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
-- A load covers the days from its first to its last record, or the range the export states. What was said after that
-- range, and came along with a conversation, is not younger than the data.
create or replace temp table source_span as
select
    covered.source_key, covered.first_at,
    greatest(covered.as_of, (select max(sent_at) from messages where source_key = covered.source_key)) as as_of
from (
    select source_key, min(covered_since) as first_at, max(covered_until) as as_of
    from loads
    where source_key in (select source_key from touched) and covered_since is not null
    group by source_key
) as covered;

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
        sources.platform, sources.source, sources.source_name, sources.export_name, members.email_domain
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
            and coalesce(roster.source in (described.source, described.source_name, described.export_name), true)
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
    sources.platform, sources.source, sources.source_name, sources.export_name, sources.is_demo
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
        and coalesce(channel_rules.source in (place.source, place.source_name, place.export_name), true)
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
delete from member_weeks where source_key in (from whole) or person_id in (select person_id from news_pair);
insert into member_weeks by name
with present as (
    select
        place.source_key, member_days.person_id, member_days.week,
        min(member_days.day) as first_day, max(member_days.day) as last_day,
        min(member_days.first_at) as first_at, max(member_days.last_at) as last_at
    from member_days
    inner join place on member_days.place_id = place.place_id
    where place.source_key in (from whole) or member_days.person_id in (select person_id from news_pair)
    group by all
)
select
    *, first_value(first_day) over stay as since_day,
    lag(last_day) over stay as before_day, lag(last_at) over stay as before_at, lead(first_day) over stay as next_day
from present
window stay as (partition by source_key, person_id order by week)
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
asof left join (
    select place_id, person_id, line_id, role, sent_at
    from timeline where person_id in (select named_id from meant)
) as spoken
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

-- name: guesses
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
    asof inner join (
        select place_id, person_id, line_id, is_top, sent_at
        from timeline where person_id in (select named_id from named)
    ) as spoken
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

-- name: free_timeline
drop table timeline;
drop table named;

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

-- name: placed
-- Every line in its conversation. A reply cannot be older than what it answers: where a clock was wrong (mail), it
-- counts as said at the same moment. began_row: the row in which the conversation begins, for what follows takes them
-- in that order, a slice at a time, so that a slice's words lie together; any, where its beginning is not here.
create or replace temp table placed as
with keyed as (
    select line.*, coalesce(root.root, line.node) as conversation_key
    from line
    left join root on line.node = root.node
    where line.is_told
)
select
    keyed.row_id, keyed.line_id, keyed.source_key, keyed.place_id, keyed.person_id, keyed.role, keyed.is_opening,
    keyed.conversation_key, keyed.role <> 'bot' and not keyed.is_deleted as is_human, keyed.text_key,
    greatest(keyed.sent_at, coalesce(opening.sent_at, keyed.sent_at)) as sent_at,
    case when opening.sent_at > keyed.sent_at then opening.day else keyed.day end as day,
    keyed.line_id <> keyed.conversation_key as is_later,
    coalesce(opening.row_id, (keyed.conversation_key % (select 1 + max(row_id) from line)::ubigint)::bigint)
    as began_row
from keyed
left join (
    select line_id, sent_at, day, row_id from line where node = line_id
) as opening on keyed.conversation_key = opening.line_id;

-- name: free_lines
drop table line;
drop table root;

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

-- name: verdicts
create or replace temp table verdict as
select hash(source_key, message_id) as ask_id, any_value(reason) as reason from verdicts group by all;

-- name: marked
-- A person's word wins over every rule.
create or replace temp table marked as
select hash(sources.source_key, marks.message_id) as ask_id, any_value(marks.value) as value
from marks
inner join sources on marks.platform = sources.platform and marks.source = sources.source
where marks.value in ('no_reply', 'answered')
group by all;

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

-- name: forget_told
-- What is told again leaves the tables it is told in.
create or replace temp table copied as select text_key from staff_replies where line_id in (from told);
create or replace temp table staff_reply as select * exclude (is_copy) from staff_replies limit 0;
create or replace temp table met as select pair_id from reply_pairs where conversation_key in (from concerned);
delete from resolved where source_key in (from whole) or conversation_key in (from concerned);
delete from conversations where source_key in (from whole) or conversation_key in (from concerned);
delete from sentiments where source_key in (from whole) or line_id in (from told);
delete from praise where source_key in (from whole) or line_id in (from told);
delete from staff_days where source_key in (from whole) or conversation_key in (from concerned);
delete from asks where source_key in (from whole) or ask_id in (from told);
delete from reply_pairs where source_key in (from whole) or conversation_key in (from concerned);
delete from newcomers where source_key in (from whole) or line_id in (from told);
delete from later_turns where source_key in (from whole) or line_id in (from told);
delete from staff_replies where source_key in (from whole) or line_id in (from told);

-- name: slices
-- Where to cut, so that about as many lines as fit in memory are taken at once.
select min(part) * 4096 as since_row, (max(part) + 1) * 4096 as until_row
from (
    select part, sum(lines) over (order by part) // $slice as slice
    from (
        select began_row // 4096 as part, count(*) as lines from placed group by part
    )
)
group by slice
order by slice;
