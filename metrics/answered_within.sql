-- title: Answered within
-- asks: What share of asks has a reply within 1, 4, 24 and 72 hours?
-- formula: share(H) = 1 - product over waits t up to H of (1 - answered after t / still waiting just before t)
-- unit: share
-- better: higher
-- leaves out: what needs no reply; inferred replies unless asked for; a week in which no ask is H hours old yet
-- needs: others' posts, replies
-- source: Kaplan and Meier 1958; CHAOSS Time to First Response, told as a share
--
-- Asks still waiting count for as long as they have waited, so a young week is not punished. Where nobody (or
-- everybody) is answered by then the band is Wilson's.
with reached as (
    select
        waits.week, waits.split, target.hours,
        coalesce(min(waits.waiting_after) filter (where waits.hours <= target.hours), 1) as still_waiting,
        sum(waits.spread) filter (where waits.hours <= target.hours) as variance,
        coalesce(sum(waits.gone) filter (where waits.hours > target.hours), 0)::bigint as older,
        sum(waits.ended) filter (where waits.hours <= target.hours) as answered,
        sum(waits.gone)::bigint as asks
    from waits_in(
        $since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred, $targets, [], false
    ) as waits
    cross join (select unnest($targets::double[]) as hours) as target
    group by all
),
shares as (
    select
        week, split, hours, asks,
        case when older > 0 or still_waiting = 0 then 1 - still_waiting end as share,
        case still_waiting
            when 1 then wilson_low(0, older) when 0 then wilson_low(answered, answered)
            else 1 - pow(still_waiting, 1 / band_step(still_waiting, variance))
        end as low,
        case still_waiting
            when 1 then wilson_high(0, older) when 0 then wilson_high(answered, answered)
            else 1 - pow(still_waiting, band_step(still_waiting, variance))
        end as high
    from reached
)
select
    weeks.week, weeks.split, target.hours,
    case when weeks.is_known then shares.share end as share,
    case when weeks.is_known and shares.share is not null then shares.low end as low,
    case when weeks.is_known and shares.share is not null then shares.high end as high,
    coalesce(shares.asks, 0) as asks
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
cross join (select unnest($targets::double[]) as hours) as target
left join shares
    on
        weeks.week is not distinct from shares.week
        and weeks.split is not distinct from shares.split
        and target.hours = shares.hours
order by weeks.split nulls first, weeks.week nulls first, target.hours
