-- title: Cohort return
-- asks: Of the members first seen in a month, how many are active in the months after?
-- formula: share(cohort, k) = members of the cohort active k months later / members of the cohort
-- unit: share
-- better: higher
-- leaves out: staff, bots and deleted accounts; months that are not over in the period and in the source's data
-- needs: others' posts, member ids
-- source: cohort analysis (Ryder 1965); akin to CHAOSS Conversion Rate
--
-- One row a cohort (the month in which its members were first seen) and month: how many months later, 0 its own. A
-- member enters a month by any source of theirs. The earliest cohorts hold those who were there before the data began.
-- What the filters leave is the community: first seen in a channel means in that channel.
with place as (
    select distinct
        split_of($by, scoped.platform, scoped.source, scoped.channel_label) as split, scoped.source_key,
        date_trunc('month', ended.next_day)::timestamp as until_month
    from scope($platforms, $sources, $channels) as scoped
    inner join (
        select source_key, max(day) + 1 as next_day from source_days
        where day < coalesce($until, date '9999-01-01')
        group by source_key
    ) as ended on scoped.source_key = ended.source_key
),
visit as (  -- a week may lie in two months; a month is counted in the last of its weeks in which a member was there
    select
        split, lasting_key as source_key, date_trunc('month', since_day)::date as cohort, unnest([
            case when last_day > last_day(first_day) then date_trunc('month', first_day)::date end,
            case when coalesce(next_day > last_day(last_day), true) then date_trunc('month', last_day)::date end
        ]) as reached
    from visits_in($since, $by, $platforms, $sources, $channels)
    where since_day >= coalesce($since, since_day)
),
active as (
    select split, source_key, cohort, reached, count(*) as members from visit where reached is not null group by all
),
grown as (
    select
        active.* exclude (reached),
        unnest(range(active.cohort::timestamp, place.until_month, interval 1 month))::date as reached
    from active
    inner join place on active.source_key = place.source_key and active.split is not distinct from place.split
    where active.reached = active.cohort
),
counted as (
    select
        grown.split, grown.cohort, grown.reached,
        sum(coalesce(active.members, 0)) as active, sum(grown.members)::bigint as members
    from grown
    left join active
        on
            grown.source_key = active.source_key and grown.split is not distinct from active.split
            and grown.cohort = active.cohort and grown.reached = active.reached
    group by all
),
covered as (
    select
        place.split, date_trunc('month', source_days.day)::date as month,
        count(*) filter (where source_days.is_covered) >= 0.9 * count(*) as is_known
    from place
    inner join source_days on place.source_key = source_days.source_key
    group by all
)
select
    counted.cohort, counted.split, datediff('month', counted.cohort, counted.reached) as month,
    case when covered.is_known then counted.active / counted.members end as share, counted.members
from counted
inner join covered on counted.split is not distinct from covered.split and counted.reached = covered.month
order by counted.split nulls first, counted.cohort, month
