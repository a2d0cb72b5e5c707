-- asks: answered in time
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
select
    place_id, person_id as drawn_id, asked_at as moment, hour_of_week, is_newcomer, reason, 1 as items,
    (answered_at is not null and hours <= coalesce(due::double, target_hours, 24))::integer as met,
    age_hours >= coalesce(due::double, target_hours, 24) as is_mature
from asks_in(since, until, '', platforms, sources, channels, population, inferred);
