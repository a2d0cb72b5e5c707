-- title: Time to first response
-- asks: After how many hours are 50, 75 and 90 % of all asks answered?
-- formula: hours_p50 = the first wait at which Kaplan-Meier's share still waiting is 50 % or less; so 75 and 90
-- unit: hours
-- better: lower
-- leaves out: what needs no reply; inferred replies unless asked for
-- needs: others' posts, replies
-- source: CHAOSS Time to First Response; Kaplan and Meier 1958
--
-- Of all asks, those still waiting counted for as long as they have waited. Null: not reached yet. The median of the
-- answered alone stands beside it, because other products show it; it falls every week in which nothing has changed.
with reached as (
    select
        week, split,
        min(hours) filter (where so_far >= 0.50 - 1e-12) as hours_p50,
        min(hours) filter (where so_far >= 0.75 - 1e-12) as hours_p75,
        min(hours) filter (where so_far >= 0.90 - 1e-12) as hours_p90,
        sum(gone)::bigint as asks, sum(ended)::bigint as answered
    from waits_in(
        $since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred, [], [0.5, 0.75, 0.9], false
    )
    group by week, split
),
answered as (
    select week, split, median(hours) as hours_p50
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    where answered_at is not null
    group by grouping sets ((week, split), (split))
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then reached.hours_p50 end as hours_p50,
    case when weeks.is_known then reached.hours_p75 end as hours_p75,
    case when weeks.is_known then reached.hours_p90 end as hours_p90,
    case when weeks.is_known then answered.hours_p50 end as hours_p50_answered_only,
    coalesce(reached.asks, 0) as asks, coalesce(reached.answered, 0) as answered
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join reached
    on weeks.week is not distinct from reached.week and weeks.split is not distinct from reached.split
left join answered
    on weeks.week is not distinct from answered.week and weeks.split is not distinct from answered.split
order by weeks.split nulls first, weeks.week nulls first
