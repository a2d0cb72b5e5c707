-- title: Member flow
-- asks: Who came for the first time, who came back, and who stayed away?
-- formula: members = new + retained + returning + reactivated, in each week and in the whole period
-- unit: members
-- better: higher
-- leaves out: staff, bots and deleted accounts
-- source: product analytics' "growth accounting"; CHAOSS Contributors and New Contributors
--
-- Retained: also here the week before. Returning: last seen under 56 days before; reactivated: longer ago. Lapsed: here
-- the week before, not now. What the filters leave is the community: new in a channel means first seen in that channel.
with seen as (
    select
        split, person_id, week, max(last_at) as last_at,
        min(first_at) filter (where is_inside) as first_at, max(last_at) filter (where not is_inside) as before_since
    from presence_in($since, $until, $is_whole_weeks, $by, $platforms, $sources, $channels)
    group by split, person_id, week
),
visit as (
    select
        * exclude (before_since), lag(last_at) over stay as before_at, lag(week) over stay as before_week,
        coalesce(before_since, before_at) as seen_at, lead(week) over stay as next_week
    from seen
    window stay as (partition by split, person_id order by week)
),
flow as (
    select
        unnest([week, null]) as week, split,
        unnest([true, coalesce(before_at < $since_at::timestamptz, before_at is null)]) as is_counted,
        case
            when seen_at is null then 'new'
            when unnest([before_week = week - 7, seen_at >= $since_at::timestamptz - interval 7 days]) then 'retained'
            when first_at - seen_at < interval 56 days then 'returning'
            else 'reactivated'
        end as kind
    from visit
    where first_at is not null
),
lapse as (
    select week + 7 as week, split, count(*) as lapsed
    from visit
    where next_week is null or next_week > week + 7
    group by all
    union all
    select null as week, split, count(*) as lapsed
    from visit
    where first_at is null and last_at >= $since_at::timestamptz - interval 7 days and next_week is null
    group by all
),
counted as (
    select
        week, split, count(*) as members,
        count(*) filter (where kind = 'new') as new, count(*) filter (where kind = 'retained') as retained,
        count(*) filter (where kind = 'returning') as "returning",
        count(*) filter (where kind = 'reactivated') as reactivated
    from flow
    where is_counted
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then coalesce(counted.members, 0) end as members,
    case when weeks.is_known then coalesce(counted.new, 0) end as new,
    case when weeks.is_known then coalesce(counted.retained, 0) end as retained,
    case when weeks.is_known then coalesce(counted."returning", 0) end as "returning",
    case when weeks.is_known then coalesce(counted.reactivated, 0) end as reactivated,
    case when weeks.is_known then coalesce(lapse.lapsed, 0) end as lapsed
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
left join lapse
    on weeks.week is not distinct from lapse.week and weeks.split is not distinct from lapse.split
order by weeks.split nulls first, weeks.week nulls first
