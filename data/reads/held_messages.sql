-- Which of some ids are messages that we hold of a source.
select messages.message_id
from messages
inner join sources on messages.source_key = sources.source_key
where
    sources.platform = $platform and sources.source = $source
    and messages.message_id in (select unnest($ids::varchar[]))
