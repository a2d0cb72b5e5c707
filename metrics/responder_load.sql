-- title: Responder load
-- asks: How much of the answering hangs on one person, or on three?
-- formula: top1_share = first replies by the busiest / all first replies; top3_share = by the busiest three
-- unit: share
-- better: lower
-- leaves out: every reply but the first to an ask; inferred replies unless asked for
-- needs: others' posts, replies
-- source: CHAOSS Contributor Absence Factor (once Bus Factor), over first replies
--
-- Of asks of the period, by whoever replied: staff and members alike. people_for_half: the fewest people whose first
-- replies together are at least half of all. A deleted account is somebody, but nobody twice.
with replied as (
    select week, split, answered_by, count(*) as replies
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    where answered_at is not null
    group by all
),
load as (
    select week, split, answered_by, sum(replies)::bigint as replies
    from replied
    group by grouping sets ((week, split, answered_by), (split, answered_by))
),
ranked as (  -- those with as many replies as each other at once: most have few
    select
        week, split, replies, count(*) as people, sum(count(*)) over busiest - count(*) as people_before,
        sum(count(*) * replies) over busiest - count(*) * replies as so_far,
        sum(count(*) * replies) over (partition by week, split) as of_all
    from load
    group by week, split, replies
    window busiest as (partition by week, split order by replies desc)
),
counted as (
    select
        week, split, any_value(of_all) as replies, max(replies) / any_value(of_all) as top1_share,
        sum(replies * least(people, 3 - people_before)) filter (where people_before < 3) / any_value(of_all)
        as top3_share,
        any_value((people_before + ceil((of_all / 2 - so_far) / replies))::bigint) filter (
            where 2 * so_far < of_all and 2 * (so_far + people * replies) >= of_all
        ) as people_for_half
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
