-- answered asks: answered by another member first
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
select
    place_id, person_id as drawn_id, asked_at as moment, hour_of_week, is_newcomer, reason, 1 as items,
    (not is_staff_first)::integer as met,
    age_hours >= coalesce(due::double, target_hours, 24) as is_mature
from asks_in(since, until, '', platforms, sources, channels, population, inferred)
where not is_mature or (answered_at is not null and hours <= coalesce(due::double, target_hours, 24));
