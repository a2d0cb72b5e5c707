-- first posts: welcomed within a day
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
select
    newcomers.place_id, newcomers.person_id as drawn_id, newcomers.first_at as moment,
    hour_of_week(timezone(zone, newcomers.first_at)) as hour_of_week,
    null::boolean as is_newcomer, null::varchar as reason, 1 as items,
    coalesce(
        case when inferred then least(newcomers.reply_at, newcomers.inferred_reply_at) else newcomers.reply_at end
        <= newcomers.first_at + interval 24 hours, false
    )::integer as met,
    newcomers.first_at <= place.as_of - interval 24 hours as is_mature
from newcomers
inner join scope(platforms, sources, channels) as place on newcomers.place_id = place.place_id
where newcomers.first_at >= since and newcomers.first_at < until;
