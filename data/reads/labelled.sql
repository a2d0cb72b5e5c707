-- What the scorer says of messages that people labelled. $platforms, $sources, $ids: the messages, one of each in turn.
with asked as (
    select
        unnest($platforms::varchar[]) as platform, unnest($sources::varchar[]) as source,
        unnest($ids::varchar[]) as native_id
)
select
    asked.platform, asked.source, asked.native_id, messages.text,
    scores.label, scores.negative, scores.neutral, scores.positive
from asked
inner join sources on asked.platform = sources.platform and asked.source = sources.source
inner join messages on sources.source_key = messages.source_key and asked.native_id = messages.message_id
inner join scores on messages.text_key = scores.text_key
inner join scorer on scores.scorer = scorer.name and scores.version = scorer.version
order by asked.platform, asked.source, asked.native_id
