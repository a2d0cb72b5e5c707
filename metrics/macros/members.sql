-- The weeks in which members were there, and when they were before and after, in the community that the filters leave:
-- a row a member and week of it. since_day: their first day of all. Of several sources, source_key is the one that is
-- covered longest among those of that week, lasting_key among all of theirs.
-- since: of the time before it, where it is told, only the last week of each is needed; since_day is then the first day
-- of those who came after it, and of the others some day before it.
create or replace temp macro visits_in(since, by_what, platforms, sources, channels) as table
with place as (
    from places_in(by_what, platforms, sources, channels)
),
present as (
    select
        place.split, member_days.person_id, member_days.week,
        arg_max(place.source_key, place.as_of) as source_key, max(place.as_of) as as_of,
        min(member_days.day) as first_day, max(member_days.day) as last_day,
        min(member_days.first_at) as first_at, max(member_days.last_at) as last_at
    from member_days
    inner join place on member_days.place_id = place.place_id
    where
        place.is_anew
        and (
            member_days.week >= coalesce(since::date, member_days.week)
            or coalesce(member_days.next_day >= since::date, true)  -- the last in its channel
        )
    group by all
)
select whole.split, member_weeks.*, member_weeks.source_key as lasting_key
from member_weeks
inner join (select distinct split, source_key from place where not is_anew) as whole
    on member_weeks.source_key = whole.source_key
union all by name
select
    * exclude (as_of), first_value(first_day) over stay as since_day,
    lag(last_day) over stay as before_day, lag(last_at) over stay as before_at, lead(first_day) over stay as next_day,
    arg_max(source_key, as_of) over (partition by split, person_id) as lasting_key
from present
window stay as (partition by split, person_id order by week);

-- Who was there on which days, up to the end of the period, by split. Of the time before it: the two weeks that lead up
-- to it, and who was there in either, the last visit to each channel before it. What they are in the period hangs on
-- nothing else.
create or replace temp macro presence_in(since, until, by_what, platforms, sources, channels) as table
with place as (
    select place_id, split_of(by_what, platform, source, channel_label) as split
    from scope(platforms, sources, channels)
),
lately as (
    select place.split, member_days.* exclude (place_id, next_day)
    from member_days
    inner join place on member_days.place_id = place.place_id
    where
        member_days.week >= coalesce(since::date - 14, date '0001-01-01')
        and member_days.day < coalesce(until, date '9999-01-01')
)
select split, person_id, week, first_at, last_at, day >= coalesce(since, day) as is_inside
from lately
union all
select place.split, present.person_id, present.week, present.first_at, present.last_at, false as is_inside
from member_days as present
inner join place on present.place_id = place.place_id
where
    present.week < since::date - 14
    and coalesce(present.next_day >= since, true)
    and present.person_id in (select person_id from lately);
