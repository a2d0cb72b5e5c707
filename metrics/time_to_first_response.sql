-- title: Time to first response
-- asks: After how many hours are 50, 75 and 90 % of all asks answered?
-- formula: hours_p50 = the first wait at which Kaplan-Meier's share still waiting is 50 % or less; so 75 and 90
-- unit: hours
-- better: lower
-- leaves out: what needs no reply; inferred replies unless asked for
-- source: CHAOSS Time to First Response; Kaplan and Meier 1958
--
-- Of all asks, those still waiting counted for as long as they have waited. Null: not reached yet. The median of the
-- answered alone stands beside it, because other products show it; it falls every week in which nothing has changed.
with curve as (
    select
        week, split, hours, is_answered,
        product(kept) over (
            partition by week, split order by hours, is_answered desc rows unbounded preceding
        ) as still_waiting
    from waits_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
),
reached as (
    select
        week, split,
        min(hours) filter (where still_waiting <= 0.50 + 1e-12) as hours_p50,
        min(hours) filter (where still_waiting <= 0.25 + 1e-12) as hours_p75,
        min(hours) filter (where still_waiting <= 0.10 + 1e-12) as hours_p90,
        median(hours) filter (where is_answered) as hours_p50_answered_only,
        count(*) as asks, count(*) filter (where is_answered) as answered
    from curve
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then reached.hours_p50 end as hours_p50,
    case when weeks.is_known then reached.hours_p75 end as hours_p75,
    case when weeks.is_known then reached.hours_p90 end as hours_p90,
    case when weeks.is_known then reached.hours_p50_answered_only end as hours_p50_answered_only,
    coalesce(reached.asks, 0) as asks, coalesce(reached.answered, 0) as answered
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join reached
    on weeks.week is not distinct from reached.week and weeks.split is not distinct from reached.split
order by weeks.split nulls first, weeks.week nulls first
