-- The days on which one of two people replied to the other, in the community that the filters leave, each judged by the
-- 90 days up to it. Of several sources, source_key is the one that is covered from the earliest.
create or replace temp macro pairs_in(since, until, by_what, platforms, sources, channels) as table
with place as (
    from places_in(by_what, platforms, sources, channels)
),
said as materialized (  -- none, as a rule: else whoever is known would be looked up for nothing
    select place.split, place.since_at, reply_pairs.*
    from reply_pairs
    inner join place on reply_pairs.place_id = place.place_id
    where
        place.is_anew
        and reply_pairs.day >= coalesce(since::date - 89, reply_pairs.day)
        and reply_pairs.day < coalesce(until, date '9999-01-01')
),
replied as (
    select
        split, pair_id, day, arg_min(source_key, since_at) as source_key,
        bool_or(replier_id < asker_id) as is_forth, bool_or(replier_id > asker_id) as is_back
    from said
    where replier_id in (select person_id from people) and asker_id in (select person_id from people)
    group by split, pair_id, day
)
select whole.split, pair_days.*
from pair_days
inner join (select distinct split, source_key from place where not is_anew) as whole
    on pair_days.source_key = whole.source_key
union all by name
select
    split, source_key, pair_id, day, date_trunc('week', day)::date as week, lead(day) over pair as next_day,
    coalesce(lag(day, 2) over pair > day - 90, false) as is_often,
    coalesce(
        max(case when is_forth then day end) over pair > day - 90
        and max(case when is_back then day end) over pair > day - 90, false
    ) as is_two_way
from replied
window pair as (partition by split, pair_id order by day);
