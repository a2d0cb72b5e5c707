-- title: Retention
-- asks: Of the members of last week, how many were active this week?
-- formula: retained / members of the week before
-- unit: share
-- better: higher
-- leaves out: staff, bots and deleted accounts; weeks that are not over in the period and in the source's data
-- needs: others' posts, member ids
-- source: product analytics' weekly retention; Wilson 1927
--
-- Half a week would bring half of them back; a member counts by any source of theirs. The whole period follows the same
-- rule with the period in place of the week, as in member_flow: of the members of the seven days before it, those
-- active in it; it needs a first day. What the filters leave is the community.
with place as (
    select
        scoped.place_id, scoped.source_key, ended.last_day,
        split_of($by, scoped.platform, scoped.source, scoped.channel_label) as split
    from scope($platforms, $sources, $channels) as scoped
    inner join (
        select source_key, max(day) as last_day from source_days
        where day < coalesce($until, date '9999-01-01')
        group by source_key
    ) as ended on scoped.source_key = ended.source_key
),
seen as (
    select visits.split, visits.week + 7 as week, coalesce(visits.next_day < visits.week + 14, false) as is_retained
    from visits_in($since::date - 13, $by, $platforms, $sources, $channels) as visits
    inner join (select distinct source_key, last_day from place) as ended on visits.source_key = ended.source_key
    where visits.week >= coalesce($since::date - 13, visits.week) and ended.last_day >= visits.week + 13
),
around as (
    select place.split, bool_or(member_days.day >= $since) as is_retained
    from member_days
    inner join place on member_days.place_id = place.place_id
    where
        member_days.day >= $since::date - 7 and member_days.day < coalesce($until, date '9999-01-01')
        and place.last_day >= $since::date + 6
    group by place.split, member_days.person_id
    having min(member_days.day) < $since
),
counted as (
    select week, split, count(*) filter (where is_retained) as retained, count(*) as members
    from (
        select week, split, is_retained from seen
        union all
        select null as week, split, is_retained from around
    )
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.retained / nullif(counted.members, 0) end as share,
    case when weeks.is_known then wilson_low(counted.retained, counted.members) end as low,
    case when weeks.is_known then wilson_high(counted.retained, counted.members) end as high,
    coalesce(counted.retained, 0) as retained, coalesce(counted.members, 0) as members
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on
        weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
        and coalesce(weeks.week >= $since, true)
order by weeks.split nulls first, weeks.week nulls first
