-- What a share counts in two periods, whatever it is (counted/). A macro, for the guard and the explanation.
--
-- is_judged: the young have had less time, so the hours that they fill, at the end of one period, are left out at the
-- end of both, channel by channel: then both are equally mature, and of the same hours of the week.
create or replace temp macro counted_in_both(
    since, until, before_since, before_until, zone, due, platforms, sources, channels, population, inferred
) as table
with period as (
    select unnest([
        {is_now: true, since_at: since, until_at: until},
        {is_now: false, since_at: before_since, until_at: before_until}
    ], recursive := true)
)
select
    counted.*, period.is_now,
    coalesce(
        hours_between(counted.moment, period.until_at)
        > max(hours_between(counted.moment, period.until_at)) filter (where not counted.is_mature) over (
            partition by counted.place_id
        ), true
    ) as is_judged
from counted_in(
    least(since, before_since), greatest(until, before_until), zone, due, platforms, sources, channels, population,
    inferred
) as counted
inner join period on counted.moment >= period.since_at and counted.moment < period.until_at;
