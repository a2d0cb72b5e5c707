-- title: Relationship depth
-- asks: How many pairs of people talk with each other, and how deeply?
-- formula: two_way_share = pairs in which both replied / pairs; deep_pairs: both did, on 3 or more days of 90
-- unit: pairs
-- better: higher
-- leaves out: deleted accounts; a source's first 89 days, or depth would seem to grow as the data begins
-- source: the creed: "Networking, not acquainting"; reciprocity and tie strength (Granovetter 1973)
--
-- Pairs of a week: one replied to the other in it. Each is judged by the 90 days up to its last reply there.
with place as (
    select
        scoped.place_id, split_of($by, scoped.platform, scoped.source, scoped.channel_label) as split,
        days.full_from, days.last_day
    from scope($platforms, $sources, $channels) as scoped
    inner join (
        select
            source_key, min(day) + 89 as full_from, max(day) filter (where day < coalesce($until, day + 1)) as last_day
        from source_days
        group by source_key
    ) as days on scoped.source_key = days.source_key
),
replied as (
    select
        place.split, least(replier_id, asker_id) as one, greatest(replier_id, asker_id) as other, day,
        day >= min(place.full_from) and day >= coalesce($since, day) as is_counted,
        bool_or(replier_id < asker_id) as is_forth, bool_or(replier_id > asker_id) as is_back
    from reply_pairs
    inner join place on reply_pairs.place_id = place.place_id
    where
        day >= coalesce($since::date - 89, day) and day < coalesce($until, date '9999-01-01')
        and replier_id in (select person_id from people) and asker_id in (select person_id from people)
    group by place.split, one, other, day
),
judged as (
    select
        split, one, other, day, date_trunc('week', day)::date as week, is_counted,
        coalesce(lag(day, 2) over pair > day - 90, false) as is_often,
        coalesce(
            max(case when is_forth then day end) over pair > day - 90
            and max(case when is_back then day end) over pair > day - 90, false
        ) as is_two_way
    from replied
    window pair as (partition by split, one, other order by day)
),
pair as (
    select
        week, split, one, other,
        arg_max(is_two_way, day) as is_two_way, arg_max(is_two_way and is_often, day) as is_deep
    from judged
    where is_counted
    group by grouping sets ((week, split, one, other), (split, one, other))
),
counted as (
    select
        week, split, count(*) as pairs, count(*) filter (where is_deep) as deep_pairs,
        count(*) filter (where is_two_way) as two_way
    from pair
    group by week, split
),
weeks as (
    select week, split, is_known and least(week + 6, last_day) >= full_from as is_known
    from weeks_in($since, $until, $by, $platforms, $sources, $channels)
    left join (
        select split as reached, min(full_from) as full_from, max(last_day) as last_day from place group by split
    ) on (split is not distinct from reached)
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then coalesce(counted.pairs, 0) end as pairs,
    case when weeks.is_known then coalesce(counted.deep_pairs, 0) end as deep_pairs,
    case when weeks.is_known then counted.two_way / nullif(counted.pairs, 0) end as two_way_share
from weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
