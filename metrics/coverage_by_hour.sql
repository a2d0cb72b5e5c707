-- title: Coverage by hour
-- asks: At which hours of the week do people ask, and is somebody there?
-- formula: share = answered within H hours / asks at least H hours old, by the hour of the week they were asked in
-- unit: share
-- better: higher
-- leaves out: what needs no reply; asks younger than H, the hours asked for, else 4; inferred replies unless asked for
-- needs: others' posts, replies, the time zone
-- source: Hearth's own, by the creed: "accounts are run by people, daily"; akin to CHAOSS Activity Dates and Times
--
-- One row an hour of the week of the whole period, so week is null, in the community's time zone; weekday 1 is Monday.
-- staff: how many different people of the team spoke in that hour of the week at least once.
with asked as (
    select
        split, hour_of_week, count(*) as asks,
        count(*) filter (where answered_at is not null and hours <= coalesce($hours::double, 4)) as answered
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    where age_hours >= coalesce($hours::double, 4)
    group by split, hour_of_week
),
place as (
    select place_id, split_of($by, platform, source, channel_label) as split
    from scope($platforms, $sources, $channels)
),
present as (
    select place.split, staff_hours.hour_of_week, count(distinct staff_hours.person_id) as staff
    from staff_hours
    inner join place on staff_hours.place_id = place.place_id
    where staff_hours.day >= coalesce($since, staff_hours.day)
        and staff_hours.day < coalesce($until, date '9999-01-01')
    group by place.split, staff_hours.hour_of_week
)
select
    weeks.week, weeks.split, each.hour // 24 + 1 as weekday, each.hour % 24 as hour, coalesce(asked.asks, 0) as asks,
    case when weeks.is_known then asked.answered / nullif(asked.asks, 0) end as share,
    case when weeks.is_known and team.is_known then coalesce(present.staff, 0) end as staff
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
cross join (select unnest(range(168)) as hour) as each
left join team_in($by, $platforms, $sources, $channels) as team on weeks.split is not distinct from team.split
left join asked
    on weeks.split is not distinct from asked.split and each.hour = asked.hour_of_week
left join present
    on weeks.split is not distinct from present.split and each.hour = present.hour_of_week
where weeks.week is null
order by weeks.split nulls first, each.hour
