-- asks due: answered within their target
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
select
    place_id, person_id as drawn_id, asked_at as moment, hour_of_week, is_newcomer, reason, 1 as items,
    (answered_at is not null and business_hours <= coalesce(due::double, target_hours))::integer as met,
    business_age_hours >= coalesce(due::double, target_hours) as is_mature
from asks_in(since, until, '', platforms, sources, channels, population, inferred)
where is_mature is not null;  -- without a calendar or a target none is ever due
