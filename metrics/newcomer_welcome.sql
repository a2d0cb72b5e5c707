-- title: Newcomer welcome
-- asks: Does a newcomer's first post get a human reply within a day?
-- formula: welcomed / newcomers
-- unit: share
-- better: higher
-- leaves out: first posts under 24 h old; who was first seen in the first 60 days of the source's data
-- needs: others' posts, replies, member ids
-- source: the creed: "Meet and greet any new member"; CHAOSS New Contributors; Wilson 1927
--
-- A first post opens a conversation or joins one. Welcomed: a different human spoke after it in that conversation
-- within 24 h. A newcomer is one of the whole source; filters choose where the first post was.
with arrived as (
    select
        unnest([newcomers.week, null]) as week,
        split_of($by, place.platform, place.source, place.channel_label) as split,
        case when $inferred then least(newcomers.reply_at, newcomers.inferred_reply_at) else newcomers.reply_at end
        <= newcomers.first_at + interval 24 hours as is_welcomed
    from newcomers
    inner join scope($platforms, $sources, $channels) as place on newcomers.place_id = place.place_id
    where
        newcomers.first_at >= coalesce($since_at, newcomers.first_at)
        and newcomers.first_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
        and newcomers.first_at <= place.as_of - interval 24 hours
),
counted as (
    select week, split, count(*) filter (where is_welcomed) as welcomed, count(*) as newcomers
    from arrived
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.welcomed / nullif(counted.newcomers, 0) end as share,
    case when weeks.is_known then wilson_low(counted.welcomed, counted.newcomers) end as low,
    case when weeks.is_known then wilson_high(counted.welcomed, counted.newcomers) end as high,
    coalesce(counted.welcomed, 0) as welcomed, coalesce(counted.newcomers, 0) as newcomers
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
