-- How many messages we hold of some conversations of a source, deleted ones too.
select messages.conversation_id, count(*)::bigint as messages
from messages
inner join sources on messages.source_key = sources.source_key
where
    sources.platform = $platform and sources.source = $source
    and messages.conversation_id in (select unnest($ids::varchar[]))
group by messages.conversation_id
