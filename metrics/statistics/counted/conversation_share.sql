-- staff messages: in conversation
-- Few people make a team, so a day's messages are drawn together. Their hours are not kept.
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
select
    staff_days.place_id, hash(staff_days.day) as drawn_id, timezone(zone, staff_days.day::timestamp) as moment,
    null::integer as hour_of_week, null::boolean as is_newcomer, null::varchar as reason, staff_days.messages as items,
    staff_days.answers + if(inferred, staff_days.inferred_answers, 0) as met, true as is_mature
from staff_days
inner join scope(platforms, sources, channels) as place on staff_days.place_id = place.place_id
where staff_days.day >= timezone(zone, since)::date and staff_days.day < timezone(zone, until)::date;
