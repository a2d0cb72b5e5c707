-- title: Staff response
-- asks: What share of asks do staff answer first, and after how many hours have they answered half?
-- formula: share = sum over waits t up to H of (share waiting before t * staff first after t / asks waiting at t)
-- unit: share
-- better: higher
-- leaves out: what needs no reply; inferred replies unless asked for; a week in which no ask is H hours old yet
-- needs: others' posts, replies
-- source: Aalen and Johansen 1978; band: Marubini and Valsecchi 1995; CHAOSS Time to First Response, by role
--
-- H: the hours asked for, else 24. A peer's earlier reply is a competing event: to count that asker as waiting still
-- would claim that staff will answer. peer_first: asks where a peer got there first in those hours. hours_p50: null
-- where staff are first to fewer than half. Where nobody is known to be staff the share is unknown.
with steps as (
    select
        *, coalesce($hours::double, 24) as due_hours, hours <= due_hours as is_due,
        coalesce(max(so_far) filter (where is_due) over (partition by week, split), 0) as share
    from waits_in(
        $since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred, $targets, [0.5], true
    )
),
reached as (
    select
        week, split, any_value(share) as share,
        sum(
            coalesce(pow(share - so_far, 2) * spread, 0)
            + pow(waiting_before, 2) * (at_risk - reached) * reached / pow(at_risk, 3)
            - 2 * (share - so_far) * waiting_before * reached / pow(at_risk, 2)
        ) filter (where is_due) as variance,
        bool_or(not is_due or waiting_after = 0) as is_old_enough,
        min(hours) filter (where so_far >= 0.5 - 1e-12) as hours_p50,
        sum(ended - reached) filter (where is_due) as peer_first, sum(gone) as asks,
        sum(reached) filter (where is_due) as staff_first,
        coalesce(sum(gone) filter (where not is_due), 0) + coalesce(peer_first, 0) as not_reached
    from steps
    group by week, split
),
shares as (
    select
        * replace (case when is_old_enough then share end as share),
        case
            when share = 0 then 0 when share = 1 then wilson_low(staff_first, staff_first)
            else 1 - pow(1 - share, 1 / band_step(1 - share, variance / pow(1 - share, 2)))
        end as low,
        case share
            when 0 then wilson_high(0, not_reached) when 1 then 1
            else 1 - pow(1 - share, band_step(1 - share, variance / pow(1 - share, 2)))
        end as high
    from reached
)
select
    weeks.week, weeks.split,
    case when weeks.is_known and team.is_known then shares.share end as share,
    case when weeks.is_known and team.is_known and shares.share is not null then shares.low end as low,
    case when weeks.is_known and team.is_known and shares.share is not null then shares.high end as high,
    case when weeks.is_known then shares.hours_p50 end as hours_p50,
    coalesce(shares.peer_first, 0)::bigint as peer_first, coalesce(shares.asks, 0)::bigint as asks
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join team_in($by, $platforms, $sources, $channels) as team on weeks.split is not distinct from team.split
left join shares
    on weeks.week is not distinct from shares.week and weeks.split is not distinct from shares.split
order by weeks.split nulls first, weeks.week nulls first
