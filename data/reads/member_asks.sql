-- What became of a person's asks, in one row. $person: as the table `member` names them; $closed: platforms that are
-- left out. old_enough and in_a_day: as the metric reply_rate counts them. hours_p50: the wait within which half of
-- those old enough were answered, the others counted as never; null where half were not. visits: days on which they
-- were there; those of staff, on which they spoke.
with place as (
    select place_id, as_of from places where not list_contains($closed::varchar[], platform)
),
ask as (
    select
        asks.reply_at is not null as is_answered,
        (epoch_us(asks.reply_at) - epoch_us(asks.asked_at)) / 3.6e9 as hours,
        asks.asked_at <= place.as_of - interval 24 hours as is_old_enough
    from asks
    inner join place on asks.place_id = place.place_id
    where asks.person_id = $person::ubigint and asks.needs_reply
),
visit as (
    select day from member_days
    where person_id = $person::ubigint and place_id in (select place_id from place)
    union
    select day from staff_hours
    where person_id = $person::ubigint and place_id in (select place_id from place)
)
select
    count(*) as asks, count(*) filter (where is_answered) as answered,
    count(*) filter (where is_old_enough) as old_enough,
    count(*) filter (where is_old_enough and hours <= 24) as in_a_day,
    nullif(
        quantile_disc(coalesce(hours, 'inf'::double), 0.5) filter (where is_old_enough), 'inf'::double
    ) as hours_p50,
    (select count(*) from visit) as visits
from ask
