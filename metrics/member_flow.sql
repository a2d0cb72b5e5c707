-- title: Member flow
-- asks: Who came for the first time, who came back, and who stayed away?
-- formula: members = new + retained + returning + reactivated, in each week and in the whole period
-- unit: members
-- better: higher
-- leaves out: staff, bots and deleted accounts
-- needs: others' posts, member ids
-- source: product analytics' "growth accounting"; CHAOSS Contributors and New Contributors
--
-- Retained: also here the week before. Returning: last seen under 56 days before; reactivated: longer ago. Lapsed: here
-- the week before, not now. What the filters leave is the community: new in a channel means first seen in that channel.
with seen as (
    select
        split, person_id, week, max(last_at) as last_at,
        min(first_at) filter (where is_inside) as first_at, max(last_at) filter (where not is_inside) as before_since
    from presence_in($since, $until, $by, $platforms, $sources, $channels)
    where not $is_whole_weeks
    group by split, person_id, week
),
visit as (
    select
        split, week, first_at, last_at,
        lag(last_at) over stay as before_at, coalesce(before_since, before_at) as seen_at,
        lag(week) over stay as before_day, lead(week) over stay as next_day
    from seen
    window stay as (partition by split, person_id order by week)
    union all by name
    select
        split, week, case when week >= coalesce($since, week) then first_at end as first_at, last_at, before_at,
        before_at as seen_at, before_day, next_day
    from visits_in($since::date - 14, $by, $platforms, $sources, $channels)
    where $is_whole_weeks and week >= coalesce($since::date - 14, week) and week < coalesce($until, date '9999-01-01')
),
alike as (  -- visits that the rest cannot tell apart: some hundred rows, however many members
    select
        split, week, first_at is not null as is_inside, seen_at is null as is_new,
        hours_between(seen_at, first_at) < 56 * 24 as is_soon, before_day >= week - 7 as was_here_before,
        coalesce(next_day >= week + 14, true) as misses_next,
        coalesce(before_at < $since_at::timestamptz, before_at is null) as is_first,
        coalesce(next_day >= $until, next_day is null) as is_last,
        hours_between(seen_at, $since_at::timestamptz) <= 7 * 24 as was_here_lately,
        hours_between(last_at, $since_at::timestamptz) <= 7 * 24 as is_late, count(*) as visits
    from visit
    group by all
),
flow as (
    select
        unnest([week, null, week + 7, null]) as week, split, visits,
        unnest([
            is_inside, is_inside and is_first, misses_next, is_late and is_last and not is_inside
        ]) as is_counted,
        case
            when unnest([false, false, true, true]) then 'lapsed'
            when is_new then 'new'
            when unnest([was_here_before, was_here_lately, null, null]) then 'retained'
            when is_soon then 'returning'
            else 'reactivated'
        end as kind
    from alike
),
counted as (
    select
        week, split, sum(visits) filter (where kind <> 'lapsed') as members,
        sum(visits) filter (where kind = 'new') as new, sum(visits) filter (where kind = 'retained') as retained,
        sum(visits) filter (where kind = 'returning') as "returning",
        sum(visits) filter (where kind = 'reactivated') as reactivated,
        sum(visits) filter (where kind = 'lapsed') as lapsed
    from flow
    where is_counted
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then coalesce(counted.members, 0)::bigint end as members,
    case when weeks.is_known then coalesce(counted.new, 0)::bigint end as new,
    case when weeks.is_known then coalesce(counted.retained, 0)::bigint end as retained,
    case when weeks.is_known then coalesce(counted."returning", 0)::bigint end as "returning",
    case when weeks.is_known then coalesce(counted.reactivated, 0)::bigint end as reactivated,
    case when weeks.is_known then coalesce(counted.lapsed, 0)::bigint end as lapsed
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
