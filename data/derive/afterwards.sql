-- What needs all conversations: copies, places, days, silences.

-- name: keep_backs
-- When newcomers first spoke on a later day.
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

-- name: keep_travellers
delete from travellers;
insert into travellers
select person_id from people
group by person_id
having count(distinct source_key) > 1;

-- name: keep_pair_days
insert into met select pair_id from reply_pairs where conversation_key in (from concerned);
delete from pair_days where source_key in (from whole) or pair_id in (from met);
insert into pair_days by name
with replied as (
    select
        source_key, pair_id, day,
        bool_or(replier_id < asker_id) as is_forth, bool_or(replier_id > asker_id) as is_back
    from reply_pairs
    where
        (source_key in (from whole) or pair_id in (from met))
        and replier_id in (select person_id from people) and asker_id in (select person_id from people)
    group by all
)
select
    source_key, pair_id, day, date_trunc('week', day)::date as week, lead(day) over pair as next_day,
    coalesce(lag(day, 2) over pair > day - 90, false) as is_often,
    coalesce(
        max(case when is_forth then day end) over pair > day - 90
        and max(case when is_back then day end) over pair > day - 90, false
    ) as is_two_way
from replied
window pair as (partition by source_key, pair_id order by day)
order by day;

-- name: keep_staff_replies
-- Of replies with one text all but the first are copies.
insert into copied select text_key from staff_reply;
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
with reading as (
    select
        place.place_id,
        (
            opening.open_before + epoch_us(least(source_span.as_of, opening.closes_at)) - epoch_us(opening.opens_at)
        )::bigint as shown
    from place
    inner join place_rule on place.place_id = place_rule.place_id
    inner join source_span on place.source_key = source_span.source_key
    asof inner join opening on place_rule.calendar = opening.calendar and source_span.as_of >= opening.opens_at
)
select
    place.place_id, place.source_key, place.platform, place.source, place.source_name, place.is_demo,
    place.channel_id as channel, place.channel_name, place.channel_name as channel_label, place.kind, place.is_private,
    place_rule.purpose, place_rule.target_hours, said.first_at, said.last_at,
    source_span.first_at as since_at, source_span.as_of, reading.shown as business_as_of,
    coalesce(said.messages, 0) as messages, coalesce(said.bot_messages, 0) as bot_messages,
    coalesce(said.unknown_messages, 0) as unknown_messages
from place
left join place_rule on place.place_id = place_rule.place_id
left join reading on place.place_id = reading.place_id
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
-- now has not left, nor has anybody who goes on as staff for a while or speaks on in another source: of merged accounts
-- the last to speak lapses.
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
    and not exists (
        select 1 from staff_hours
        where
            staff_hours.person_id = silence.person_id
            and staff_hours.day > silence.day and staff_hours.day < silence.day + 28
    )
order by silence.last_at;

-- name: done
delete from touched;
delete from news;
