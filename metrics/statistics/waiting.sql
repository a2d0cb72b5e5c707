-- How many asks were waiting past their target at the end of each week: of those asked in the 26 weeks up to it, so
-- that every week looks back equally far. An answer that came later does not undo the wait; after a source's data ends,
-- its asks stay as they were. asks: all that were asked in these 26 weeks.
with asked as (
    select
        split, week, asked_at, answered_at, hours, coalesce($hours::double, target_hours, 24) as due_hours,
        asked_at + to_microseconds((due_hours * 3.6e9)::bigint) as late_at
    from asks_in(
        $since_at::timestamptz - interval 182 days, $until_at, $by, $platforms, $sources, $channels, $population,
        $inferred
    )
),
event as (
    select split, unnest([week, week + 182]) as week, unnest([count(*), -count(*)]) as asks, 0 as past_target
    from asked
    group by split, week
    union all
    select
        split,
        unnest([
            date_trunc('week', timezone($zone, late_at))::date,
            date_trunc('week', timezone($zone, least(answered_at, asked_at + interval 182 days)))::date
        ]) as week,
        0 as asks, unnest([1, -1]) as past_target
    from asked
    where hours > due_hours
),
summed as (
    select split, week, sum(asks) as asks, sum(past_target) as past_target
    from event
    group by split, week
),
so_far as (
    select weeks.week, weeks.split, weeks.is_known, sum(summed.asks) as asks, sum(summed.past_target) as past_target
    from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
    left join summed on weeks.week >= summed.week and weeks.split is not distinct from summed.split
    where weeks.week is not null
    group by all
)
select
    week, split,
    case when is_known then coalesce(past_target, 0)::bigint end as past_target,
    case when is_known then coalesce(asks, 0)::bigint end as asks
from so_far
order by split nulls first, week
