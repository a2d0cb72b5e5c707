-- title: Praise thanked
-- asks: When members praise, does the team thank them within three days?
-- formula: thanked / praise
-- unit: share
-- better: higher
-- leaves out: praise under 72 h old; what is only a courtesy or too short; a reaction alone, which is told apart
-- needs: others' posts, replies
-- source: Hearth's own, by the creed: "Thank promoters profusely"; Wilson 1927
--
-- Praise: a member's words that sound positive beyond doubt. Thanked: a member of staff speaks later in that
-- conversation within 72 h. Where nobody is known to be staff the share is unknown.
with kind as (
    select
        unnest([praise.week, null]) as week, split_of($by, place.platform, place.source, place.channel_label) as split,
        coalesce(praise.thanked_at <= praise.said_at + interval 72 hours, false) as is_thanked,
        praise.is_reacted and not is_thanked as is_reacted_only
    from praise
    inner join scope($platforms, $sources, $channels) as place on praise.place_id = place.place_id
    where
        praise.said_at >= coalesce($since_at, praise.said_at)
        and praise.said_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
        and praise.said_at <= place.as_of - interval 72 hours
),
counted as (
    select
        week, split, count(*) filter (where is_thanked) as thanked,
        count(*) filter (where is_reacted_only) as reacted_only, count(*) as praise
    from kind
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known and team.is_known then counted.thanked / nullif(counted.praise, 0) end as share,
    case when weeks.is_known and team.is_known then wilson_low(counted.thanked, counted.praise) end as low,
    case when weeks.is_known and team.is_known then wilson_high(counted.thanked, counted.praise) end as high,
    coalesce(counted.thanked, 0) as thanked, coalesce(counted.reacted_only, 0) as reacted_only,
    coalesce(counted.praise, 0) as praise
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join team_in($by, $platforms, $sources, $channels) as team on weeks.split is not distinct from team.split
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
