-- title: Detractor recovery
-- asks: Of the unhappy asks, how many were answered, spoken of again, and ended better?
-- formula: recovered / negative
-- unit: share
-- better: higher
-- leaves out: asks under 7 days old, or whose opening words nobody has scored; inferred replies unless asked for
-- needs: others' posts, replies
-- source: the creed: "Work with detractors to resolve issues"; service recovery (Hart, Heskett and Sasser 1990)
--
-- Negative: asks whose opening words sound so. Answered: a reply within 7 days. Spoke again: the asker, after it, in
-- those 7 days. Recovered: the last they said in them no longer sounds negative. Each step is a part of the one before.
with unhappy as (
    select
        unnest([week, null]) as week, split, hours <= 168 and answered_at is not null as is_answered,
        is_answered and again_at <= asked_at + interval 7 days as is_back,
        is_back and ended in ('neutral', 'positive') as is_recovered
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    where sentiment = 'negative' and age_hours >= 168
),
counted as (
    select
        week, split, count(*) as negative, count(*) filter (where is_answered) as answered,
        count(*) filter (where is_back) as spoke_again, count(*) filter (where is_recovered) as recovered
    from unhappy
    group by week, split
)
select
    weeks.week, weeks.split, coalesce(counted.negative, 0) as negative, coalesce(counted.answered, 0) as answered,
    coalesce(counted.spoke_again, 0) as spoke_again, coalesce(counted.recovered, 0) as recovered,
    case when weeks.is_known then counted.recovered / nullif(counted.negative, 0) end as share,
    case when weeks.is_known then wilson_low(counted.recovered, counted.negative) end as low,
    case when weeks.is_known then wilson_high(counted.recovered, counted.negative) end as high
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
