-- title: Staff presence
-- asks: How many of the team replied, on how many days were they there, and did they say something?
-- formula: replies = turns of staff / people; substantive_share = turns that say something / turns
-- unit: people
-- better: higher
-- leaves out: bots; turns in a conversation where no member spoke before
-- needs: others' posts, replies
-- source: Hearth's own, by the creed: "accounts are run by people, daily"
--
-- people: staff who replied, in their own name. days: those on which any of the team spoke. A turn says something where
-- it is more than a courtesy and not the same text as an earlier reply; short is no fault. Where nobody is known to be
-- staff, how many were there is unknown.
with place as (
    select place_id, split_of($by, platform, source, channel_label) as split
    from scope($platforms, $sources, $channels)
),
replied as (
    select
        unnest([staff_replies.week, null]) as week, place.split, staff_replies.person_id,
        staff_replies.said is null and not staff_replies.is_copy as is_substantive
    from staff_replies
    inner join place on staff_replies.place_id = place.place_id
    where
        said_at >= coalesce($since_at, said_at) and said_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
),
present as (
    select
        unnest([staff_hours.week, null]) as week, place.split, staff_hours.day
    from staff_hours
    inner join place on staff_hours.place_id = place.place_id
    where day >= coalesce($since, day) and day < coalesce($until, date '9999-01-01')
),
counted as (
    select
        week, split, count(distinct person_id) as people, count(*) as replies,
        count(*) filter (where is_substantive) as substantive
    from replied
    group by week, split
),
days as (
    select week, split, count(distinct day) as days from present group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known and team.is_known then coalesce(counted.people, 0) end as people,
    case when weeks.is_known and team.is_known then coalesce(days.days, 0) end as days,
    case when weeks.is_known then counted.replies / counted.people end as replies,
    case when weeks.is_known then counted.substantive / counted.replies end as substantive_share
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join team_in($by, $platforms, $sources, $channels) as team on weeks.split is not distinct from team.split
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
left join days
    on weeks.week is not distinct from days.week and weeks.split is not distinct from days.split
order by weeks.split nulls first, weeks.week nulls first
