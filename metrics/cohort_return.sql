-- title: Cohort return
-- asks: Of the members first seen in a month, how many are active in the months after?
-- formula: share(cohort, k) = members of the cohort active k months later / members of the cohort
-- unit: share
-- better: higher
-- leaves out: staff, bots and deleted accounts; months that are not over in the period and in the source's data
-- source: cohort analysis (Ryder 1965); akin to CHAOSS Conversion Rate
--
-- One row a cohort (the month in which its members were first seen) and month: how many months later, 0 its own. A
-- member enters a month by any source of theirs. The earliest cohorts hold those who were there before the data began.
-- What the filters leave is the community: first seen in a channel means in that channel.
with place as (
    select
        scoped.place_id, scoped.source_key,
        split_of($by, scoped.platform, scoped.source, scoped.channel_label) as split, ended.next_day
    from scope($platforms, $sources, $channels) as scoped
    inner join (
        select source_key, max(day) + 1 as next_day from source_days
        where day < coalesce($until, date '9999-01-01')
        group by source_key
    ) as ended on scoped.source_key = ended.source_key
),
visit as (
    select
        place.split, member_days.person_id, max(place.next_day) as next_day,
        min(member_days.day) as first_day, list(distinct date_trunc('month', member_days.day)::date) as months
    from member_days
    inner join place on member_days.place_id = place.place_id
    where member_days.day < coalesce($until, date '9999-01-01')
    group by place.split, member_days.person_id
),
grown as (
    select
        split, date_trunc('month', first_day)::date as cohort, unnest(range(
            cohort::timestamp, date_trunc('month', next_day)::timestamp, interval 1 month
        ))::date as reached, list_contains(months, reached) as is_active
    from visit
    where first_day >= coalesce($since, first_day)
),
counted as (
    select split, cohort, reached, count(*) filter (where is_active) as active, count(*) as members
    from grown
    group by all
),
covered as (
    select
        place.split, date_trunc('month', source_days.day)::date as month,
        count(*) filter (where source_days.is_covered) >= 0.9 * count(*) as is_known
    from (select distinct split, source_key from place) as place
    inner join source_days on place.source_key = source_days.source_key
    group by all
)
select
    counted.cohort, counted.split, datediff('month', counted.cohort, counted.reached) as month,
    case when covered.is_known then counted.active / counted.members end as share, counted.members
from counted
inner join covered on counted.split is not distinct from covered.split and counted.reached = covered.month
order by counted.split nulls first, counted.cohort, month
