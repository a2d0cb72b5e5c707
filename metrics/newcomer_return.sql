-- title: Newcomers who return
-- asks: Do newcomers come back, and do those who were welcomed come back more?
-- formula: share = back within 28 days / newcomers; difference = share of the welcomed - share of the others
-- unit: share
-- better: higher
-- leaves out: first posts under 28 days old; who was first seen in the first 60 days of the source's data
-- needs: others' posts, replies, member ids
-- source: the creed: "Meet and greet any new member"; Wilson 1927; Newcombe 1998, method 10, for the difference
--
-- Back: a message on a later day, anywhere in the source. Two rows each: those welcomed (a human reply within 24 h) and
-- those not; the difference stands on both. It is an association: who writes a better first post may both be answered
-- more and come back more.
with arrived as (
    select
        unnest([newcomers.week, null]) as week,
        split_of($by, place.platform, place.source, place.channel_label) as split,
        coalesce(
            case when $inferred then least(newcomers.reply_at, newcomers.inferred_reply_at) else newcomers.reply_at end
            <= newcomers.first_at + interval 24 hours, false
        ) as is_welcomed,
        coalesce(newcomers.back_at <= newcomers.first_at + interval 28 days, false) as is_back
    from newcomers
    inner join scope($platforms, $sources, $channels) as place on newcomers.place_id = place.place_id
    where
        newcomers.first_at >= coalesce($since_at, newcomers.first_at)
        and newcomers.first_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
        and newcomers.first_at <= place.as_of - interval 28 days
),
counted as (
    select
        week, split, count(*) filter (where is_welcomed) as n1, count(*) filter (where not is_welcomed) as n2,
        count(*) filter (where is_welcomed and is_back) as k1,
        count(*) filter (where not is_welcomed and is_back) as k2,
        k1 / nullif(n1, 0) as share1, k2 / nullif(n2, 0) as share2
    from arrived
    group by week, split
)
select
    weeks.week, weeks.split, side.welcomed,
    case when weeks.is_known then if(side.welcomed, share1, share2) end as share,
    case when weeks.is_known then if(side.welcomed, wilson_low(k1, n1), wilson_low(k2, n2)) end as low,
    case when weeks.is_known then if(side.welcomed, wilson_high(k1, n1), wilson_high(k2, n2)) end as high,
    coalesce(if(side.welcomed, n1, n2), 0) as newcomers,
    case when weeks.is_known then share1 - share2 end as difference,
    case
        when weeks.is_known then difference_low(share1, wilson_low(k1, n1), share2, wilson_high(k2, n2))
    end as difference_low,
    case
        when weeks.is_known then difference_high(share1, wilson_high(k1, n1), share2, wilson_low(k2, n2))
    end as difference_high
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
cross join (select unnest([true, false]) as welcomed) as side
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first, side.welcomed desc
