-- How many messages we hold of some conversations of a source, deleted ones too; and how many that are not deleted.
select
    messages.conversation_id, count(*)::bigint as messages,
    (count(*) filter (where messages.deleted_at is null))::bigint as there
from messages
inner join sources on messages.source_key = sources.source_key
where
    sources.platform = $platform and sources.source = $source
    and messages.conversation_id in (select unnest($ids::varchar[]))
group by messages.conversation_id
