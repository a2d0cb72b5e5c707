-- words of praise: thanked within three days
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
select
    praise.place_id, praise.person_id as drawn_id, praise.said_at as moment,
    hour_of_week(timezone(zone, praise.said_at)) as hour_of_week,
    null::boolean as is_newcomer, null::varchar as reason, 1 as items,
    coalesce(praise.thanked_at <= praise.said_at + interval 72 hours, false)::integer as met,
    praise.said_at <= place.as_of - interval 72 hours as is_mature
from praise
inner join scope(platforms, sources, channels) as place on praise.place_id = place.place_id
where praise.said_at >= since and praise.said_at < until;
