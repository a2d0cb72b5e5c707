-- The covered weeks from a person's first to their last, of which the last 52: days there, messages, asks, and how
-- their messages sound; those of staff are not heard.
-- $person: as the table `member` names them; $closed: platforms that are left out.
with place as (
    select place_id, source_key from places where not list_contains($closed::varchar[], platform)
),
there as (
    select place_id, week, day, messages from member_days
    where person_id = $person::ubigint and place_id in (select place_id from place)
    union all
    select place_id, week, day, messages from staff_hours
    where person_id = $person::ubigint and place_id in (select place_id from place)
),
visited as (
    select week, count(distinct day) as days, sum(messages)::bigint as messages
    from there
    group by week
),
covered as (
    select distinct week from source_days
    where
        is_covered
        and source_key in (
            select place.source_key from place inner join there on place.place_id = there.place_id
        )
        and week between greatest((select min(week) from there), (select max(week) from there) - 357)
        and (select max(week) from there)
),
asked as (
    select week, count(*) as asks from asks
    where person_id = $person::ubigint and place_id in (select place_id from place) and needs_reply
    group by week
),
sounded as (
    select
        week, count(*) filter (where label = 'positive') as positive,
        count(*) filter (where label = 'neutral') as neutral,
        count(*) filter (where label = 'negative') as negative, count(*) filter (where label is null) as unclassified
    from sentiments
    where person_id = $person::ubigint and place_id in (select place_id from place)
    group by week
)
select
    covered.week, coalesce(visited.days, 0) as days, coalesce(visited.messages, 0) as messages,
    coalesce(asked.asks, 0) as asks,
    coalesce(sounded.positive, 0) as positive, coalesce(sounded.neutral, 0) as neutral,
    coalesce(sounded.negative, 0) as negative, coalesce(sounded.unclassified, 0) as unclassified
from covered
left join visited on covered.week = visited.week
left join asked on covered.week = asked.week
left join sounded on covered.week = sounded.week
order by covered.week
