-- title: Peer first share
-- asks: Of the answered asks, how many did another member answer first, and how many of all did staff?
-- formula: share = answered by a member first / answered; staff_share = answered by staff first / asks
-- unit: share
-- better: higher
-- leaves out: what needs no reply; asks younger than the target, and answers after it
-- needs: others' posts, replies
-- source: CHAOSS Issue Response Time, by role; the creed: "networking, not acquainting"; Wilson 1927
--
-- The target: the hours asked for, else the channel's, else 24. Of all answers so far, the young asks' would be the
-- quick ones only. A tie is staff's. Where nobody is known to be staff their share is unknown.
with asked as (
    select unnest([week, null]) as week, split, is_staff_first, hours <= coalesce($hours::double, target_hours, 24)
        and answered_at is not null as is_answered
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    where age_hours >= coalesce($hours::double, target_hours, 24)
),
counted as (
    select
        week, split, count(*) filter (where is_answered) as answered, count(*) as asks,
        count(*) filter (where is_answered and is_staff_first) as staff_first, answered - staff_first as peer_first
    from asked
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.peer_first / nullif(counted.answered, 0) end as share,
    case when weeks.is_known then wilson_low(counted.peer_first, counted.answered) end as low,
    case when weeks.is_known then wilson_high(counted.peer_first, counted.answered) end as high,
    case when weeks.is_known and team.is_known then counted.staff_first / nullif(counted.asks, 0) end as staff_share,
    coalesce(counted.answered, 0) as answered, coalesce(counted.asks, 0) as asks
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join team_in($by, $platforms, $sources, $channels) as team on weeks.split is not distinct from team.split
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
