-- title: Relationship depth
-- asks: How many pairs of people talk with each other, and how deeply?
-- formula: two_way_share = pairs in which both replied / pairs; deep_pairs: both did, on 3 or more days of 90
-- unit: pairs
-- better: higher
-- leaves out: deleted accounts; a source's first 89 days, or depth would seem to grow as the data begins
-- needs: others' posts, replies, member ids
-- source: the creed: "Networking, not acquainting"; reciprocity and tie strength (Granovetter 1973)
--
-- Pairs of a week: one replied to the other in it. Each is judged by the 90 days up to its last reply there.
with place as (
    select distinct
        scoped.source_key, split_of($by, scoped.platform, scoped.source, scoped.channel_label) as split,
        days.full_from, days.last_day
    from scope($platforms, $sources, $channels) as scoped
    inner join (
        select
            source_key, min(day) + 89 as full_from, max(day) filter (where day < coalesce($until, day + 1)) as last_day
        from source_days
        group by source_key
    ) as days on scoped.source_key = days.source_key
),
alike as (  -- some hundred rows, however many pairs; the last of a pair's days speaks for the others
    select
        met.week, met.split, met.is_two_way, met.is_two_way and met.is_often as is_deep,
        coalesce(met.next_day >= least(met.week + 7, $until), true) as is_last_of_week,
        coalesce(met.next_day >= $until, met.next_day is null) as is_last, count(*) as pairs
    from pairs_in($since, $until, $by, $platforms, $sources, $channels) as met
    inner join (select distinct source_key, full_from from place) as whole on met.source_key = whole.source_key
    where
        met.day >= whole.full_from and met.day >= coalesce($since, met.day)
        and met.day < coalesce($until, date '9999-01-01')
    group by all
),
judged as (
    select unnest([week, null]) as week, unnest([is_last_of_week, is_last]) as is_told, * exclude (week) from alike
),
counted as (
    select
        week, split, sum(pairs)::bigint as pairs, coalesce(sum(pairs) filter (where is_deep), 0)::bigint as deep_pairs,
        coalesce(sum(pairs) filter (where is_two_way), 0) as two_way
    from judged
    where is_told
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
