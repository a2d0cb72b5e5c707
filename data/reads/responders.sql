-- Who first replied to the asks of a period, the busiest first: how many, of how many in all, on how many days of the
-- asks. $since and $until: days in $zone, or null. $platforms, $sources, $channels: the places, where an empty list
-- means all. $inferred: guessed replies count. $limit: how many people.
with place as (
    select place_id from places
    where
        (len($platforms::varchar[]) = 0 or list_contains($platforms::varchar[], platform))
        and (len($sources::varchar[]) = 0 or list_contains($sources::varchar[], source))
        and (len($channels::varchar[]) = 0 or list_contains($channels::varchar[], channel))
),
replied as (
    select
        week,
        if($inferred and coalesce(inferred_reply_at < reply_at, reply_at is null), inferred_reply_by, reply_by)
        as reply_by
    from asks
    where
        needs_reply and place_id in (from place)
        and (reply_at is not null or ($inferred and inferred_reply_at is not null))
        and asked_at >= coalesce(timezone($zone, $since::date::timestamp), asked_at)
        and asked_at < coalesce(timezone($zone, $until::date::timestamp), timestamptz '9999-01-01 00:00:00+00')
),
busiest as (
    select
        reply_by, count(*) as replies, count(distinct week) as weeks, sum(count(*)) over ()::bigint as of_all
    from replied
    group by reply_by
    order by replies desc, reply_by
    limit $limit
),
person as (
    select
        people.person_id, arg_max(people.name, people.messages) as name, arg_max(people.role, people.messages) as role,
        arg_max(sources.platform, people.messages) as platform,
        arg_max(concat_ws(':', sources.platform, sources.source, people.member_id), people.messages) as account
    from people
    inner join sources on people.source_key = sources.source_key
    where
        people.person_id in (select reply_by from busiest)
        and (len($platforms::varchar[]) = 0 or list_contains($platforms::varchar[], sources.platform))
    group by people.person_id
)
select person.name, person.role, person.platform, person.account, busiest.replies, busiest.of_all, busiest.weeks
from busiest
left join person on busiest.reply_by = person.person_id
order by busiest.replies desc, busiest.reply_by
