-- Who asked, and where, of asks by their messages. $messages: native ids.
select
    sources.platform, sources.source, asks.message_id as message, people.name, places.channel_label as channel
from asks
inner join sources on asks.source_key = sources.source_key
inner join places on asks.place_id = places.place_id
left join people on asks.person_id = people.person_id and asks.source_key = people.source_key
where list_contains($messages::varchar[], asks.message_id)
