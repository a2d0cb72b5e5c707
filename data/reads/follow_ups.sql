-- Follow-ups that nobody has answered: turns of somebody who asked, after others had spoken, by the rule of the metric
-- time_to_next_response. Of the newest 200 those with a question mark first. in_all: how many there are. $since and
-- $until: days in $zone, or null. $platforms, $sources, $channels: the places, where an empty list means all. $limit:
-- how many.
with place as (
    select * from places
    where
        (len($platforms::varchar[]) = 0 or list_contains($platforms::varchar[], platform))
        and (len($sources::varchar[]) = 0 or list_contains($sources::varchar[], source))
        and (len($channels::varchar[]) = 0 or list_contains($channels::varchar[], channel))
),
open_turn as (
    select turns.*, count(*) over () as in_all
    from later_turns as turns
    inner join asks on turns.ask_id = asks.ask_id
    where
        turns.said is null and turns.reply_at is null and asks.needs_reply
        and turns.place_id in (select place_id from place)
        and turns.said_at >= coalesce(timezone($zone, $since::date::timestamp), turns.said_at)
        and turns.said_at < coalesce(timezone($zone, $until::date::timestamp), timestamptz '9999-01-01 00:00:00+00')
    order by turns.said_at desc, turns.message_id
    limit 200
),
said as materialized (  -- of other moments the words are not even read
    select source_key, message_id, member_id, title, text, permalink from messages
    where sent_at in (select said_at from open_turn)
)
select
    open_turn.said_at, open_turn.in_all, place.platform, place.source, place.source_name, place.channel_name,
    said.title, said.text,
    said.permalink, people.name, said.member_id as member
from open_turn
inner join place on open_turn.place_id = place.place_id
inner join said on open_turn.source_key = said.source_key and open_turn.message_id = said.message_id
left join people on said.source_key = people.source_key and said.member_id = people.member_id
order by contains(said.text, '?') desc, open_turn.said_at desc, open_turn.message_id
limit $limit
