-- title: Reply rate
-- asks: Of the asks old enough to judge, how many were answered in time?
-- formula: answered in time / asks old enough to judge
-- unit: share
-- better: higher
-- leaves out: what needs no reply; asks younger than the target (too_young); inferred replies unless asked for
-- needs: others' posts, replies
-- source: CHAOSS Issue Response Time, told as a share; Wilson 1927
--
-- In time: within the target, the hours asked for, else the channel's, else 24. Younger asks have had less time, so a
-- rate over all asks always looks worse this week than last.
with asked as (
    select
        unnest([week, null]) as week, split,
        age_hours >= coalesce($hours::double, target_hours, 24) as is_mature,
        answered_at is not null and hours <= coalesce($hours::double, target_hours, 24) as is_in_time
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
),
counted as (
    select
        week, split,
        count(*) filter (where is_mature and is_in_time) as answered,
        count(*) filter (where is_mature) as asks,
        count(*) filter (where not is_mature) as too_young
    from asked
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.answered / nullif(counted.asks, 0) end as share,
    case when weeks.is_known then wilson_low(counted.answered, counted.asks) end as low,
    case when weeks.is_known then wilson_high(counted.answered, counted.asks) end as high,
    coalesce(counted.answered, 0) as answered, coalesce(counted.asks, 0) as asks,
    coalesce(counted.too_young, 0) as too_young
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
