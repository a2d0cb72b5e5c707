-- The words of messages that were drawn, and where they were said. $lines: their line_id.
select
    sentiments.line_id, places.platform, places.source, places.source_name, places.channel_name,
    messages.message_id, messages.sent_at, messages.title, messages.text
from sentiments
inner join places on sentiments.place_id = places.place_id
inner join messages
    on
        sentiments.source_key = messages.source_key
        and sentiments.said_at = messages.sent_at
        and sentiments.text_key = messages.text_key
where
    sentiments.line_id in (select unnest($lines::ubigint[]))
    and sentiments.line_id = hash(messages.source_key, messages.message_id)
    and messages.text <> ''
