-- title: Responder load
-- asks: How much of the answering hangs on one person, or on three?
-- formula: top1_share = first replies by the busiest / all first replies; top3_share = by the busiest three
-- unit: share
-- better: lower
-- leaves out: every reply but the first to an ask; inferred replies unless asked for
-- source: CHAOSS Contributor Absence Factor (once Bus Factor), over first replies
--
-- Of asks of the period, by whoever replied: staff and members alike. people_for_half: the fewest people whose first
-- replies together are at least half of all. A deleted account is somebody, but nobody twice.
with replied as (
    select unnest([week, null]) as week, split, answered_by
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    where answered_at is not null
),
ranked as (
    select
        week, split, count(*) as replies, row_number() over busiest as place, sum(count(*)) over busiest as so_far,
        sum(count(*)) over (partition by week, split) as of_all
    from replied
    group by week, split, answered_by
    window busiest as (partition by week, split order by count(*) desc, answered_by rows unbounded preceding)
),
counted as (
    select
        week, split, any_value(of_all) as replies,
        max(so_far) filter (where place = 1) / any_value(of_all) as top1_share,
        max(so_far) filter (where place <= 3) / any_value(of_all) as top3_share,
        min(place) filter (where 2 * so_far >= of_all) as people_for_half
    from ranked
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.top1_share end as top1_share,
    case when weeks.is_known then counted.top3_share end as top3_share,
    case when weeks.is_known then counted.people_for_half end as people_for_half,
    coalesce(counted.replies, 0)::bigint as replies
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
