-- Pairs of people who replied to each other in the last 90 days before $until, those of the most days first. Counts
-- of replies: one_to_other, other_to_one. is_deep: on 3 or more of those days. $platforms, $sources, $channels: the
-- places, where an empty list means all. $limit: how many pairs.
with place as (
    select place_id from places
    where
        (len($platforms::varchar[]) = 0 or list_contains($platforms::varchar[], platform))
        and (len($sources::varchar[]) = 0 or list_contains($sources::varchar[], source))
        and (len($channels::varchar[]) = 0 or list_contains($channels::varchar[], channel))
),
pair as (
    select
        least(replier_id, asker_id) as one_id, greatest(replier_id, asker_id) as other_id,
        sum(replies) filter (where replier_id < asker_id)::bigint as one_to_other,
        sum(replies) filter (where replier_id > asker_id)::bigint as other_to_one,
        count(distinct day) as days, max(day) as last_day
    from reply_pairs
    where day < $until::date and day >= $until::date - 90 and place_id in (from place)
    group by one_id, other_id
    having bool_or(replier_id < asker_id) and bool_or(replier_id > asker_id)
),
deepest as (
    select *, days >= 3 as is_deep, sum((days >= 3)::integer) over ()::bigint as deep
    from pair
    where one_id in (select person_id from people) and other_id in (select person_id from people)
    order by days desc, least(one_to_other, other_to_one) desc, one_id, other_id
    limit $limit
),
person as (
    select
        people.person_id, arg_max(people.name, people.messages) as name, arg_max(people.role, people.messages) as role,
        arg_max(concat_ws(':', sources.platform, sources.source, people.member_id), people.messages) as account
    from people
    inner join sources on people.source_key = sources.source_key
    where
        people.person_id in (select unnest([one_id, other_id]) from deepest)
        and (len($platforms::varchar[]) = 0 or list_contains($platforms::varchar[], sources.platform))
    group by people.person_id
)
select
    one.name, one.role, one.account, other.name as other_name, other.role as other_role, other.account as other_account,
    deepest.days, deepest.one_to_other, deepest.other_to_one, deepest.is_deep, deepest.last_day, deepest.deep
from deepest
inner join person as one on deepest.one_id = one.person_id
inner join person as other on deepest.other_id = other.person_id
order by
    deepest.days desc, least(deepest.one_to_other, deepest.other_to_one) desc, deepest.one_id, deepest.other_id
