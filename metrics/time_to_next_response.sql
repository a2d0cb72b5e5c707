-- title: Time to next response
-- asks: When somebody who asked speaks again, after how many hours does anybody answer?
-- formula: hours_p50 = the first wait at which Kaplan-Meier's share of turns still waiting is 50 % or less; so 90
-- unit: hours
-- better: lower
-- leaves out: the ask itself; what is only thanks or too short, which waits for nothing; inferred replies
-- needs: others' posts, replies
-- source: the help desks' "next reply time"; Kaplan and Meier 1958
--
-- Turns of those who asked, after others have spoken, until they ask anew. By the moment of the turn. Those still
-- waiting count for as long as they have waited; null: not reached yet.
with waits as (
    select
        unnest([turns.week, null]) as week, split_of($by, place.platform, place.source, place.channel_label) as split,
        (epoch_us(coalesce(turns.reply_at, place.as_of)) - epoch_us(turns.said_at)) / 3.6e9 as hours,
        turns.reply_at is not null as is_answered
    from later_turns as turns
    inner join scope($platforms, $sources, $channels) as place on turns.place_id = place.place_id
    inner join asks on turns.ask_id = asks.ask_id
    where
        turns.said is null and case $population when 'openers' then asks.is_opener else asks.needs_reply end
        and turns.said_at >= coalesce($since_at, turns.said_at)
        and turns.said_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
),
ranked as (
    select *, row_number() over (partition by week, split order by hours desc, is_answered) as at_risk from waits
),
curve as (
    select
        week, split, hours,
        product(case when is_answered then (at_risk - 1) / at_risk else 1 end) over (
            partition by week, split order by at_risk desc rows unbounded preceding
        ) as still_waiting
    from ranked
),
counted as (
    select
        week, split, min(hours) filter (where still_waiting <= 0.5 + 1e-12) as hours_p50,
        min(hours) filter (where still_waiting <= 0.1 + 1e-12) as hours_p90, count(*) as turns
    from curve
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.hours_p50 end as hours_p50,
    case when weeks.is_known then counted.hours_p90 end as hours_p90, coalesce(counted.turns, 0) as turns
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
