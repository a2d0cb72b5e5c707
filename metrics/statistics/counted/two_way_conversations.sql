-- conversations: two-way within three days
create or replace temp macro counted_in(
    since, until, zone, due, platforms, sources, channels, population, inferred
) as table
with conversation as (
    select
        arg_min(
            {
                place_id: place_id, drawn_id: person_id, moment: asked_at, hour_of_week: hour_of_week,
                is_newcomer: is_newcomer, reason: reason, items: 1,
                met: coalesce(again_at <= asked_at + interval 72 hours, false)::integer, is_mature: age_hours >= 72
            },
            asked_at
        ) as first_ask
    from asks_in(null, until, '', platforms, sources, channels, population, false)
    group by conversation_key
    having min(asked_at) >= since
)
select unnest(first_ask) from conversation;
