-- title: Within target
-- asks: Of the asks due, how many were answered within the channel's target, in open hours?
-- formula: met / due
-- unit: share
-- better: higher
-- leaves out: asks not due yet; channels without a calendar or a target; inferred replies unless asked for
-- needs: others' posts, replies, the time zone
-- source: the help desks' service levels in business hours; Wilson 1927
--
-- The target (the hours asked for, else the channel's) counts only while the channel's calendar is open: what is asked
-- and answered out of hours has waited 0 h. Due: the calendar was open for that long since the ask. Where none is due
-- the share is null.
with asked as (
    select
        unnest([week, null]) as week, split, coalesce($hours::double, target_hours) as target,
        business_age_hours >= target as is_due, answered_at is not null and business_hours <= target as is_met
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
),
counted as (
    select
        week, split, count(*) filter (where is_due and is_met) as met, count(*) filter (where is_due) as due
    from asked
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.met / nullif(counted.due, 0) end as share,
    case when weeks.is_known then wilson_low(counted.met, counted.due) end as low,
    case when weeks.is_known then wilson_high(counted.met, counted.due) end as high,
    coalesce(counted.met, 0) as met, coalesce(counted.due, 0) as due
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
