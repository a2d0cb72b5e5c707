-- What is held of one source, so that it can be looked for upstream: not what is deleted and names nobody any more.
select
    messages.message_id, messages.channel_id, messages.member_id, messages.sent_at, messages.kind,
    messages.conversation_id, messages.parent_id, messages.basis, messages.permalink
from messages
inner join sources on messages.source_key = sources.source_key
where
    sources.platform = $platform and sources.source = $source
    and (messages.deleted_at is null or messages.member_id is not null)
order by messages.conversation_id, messages.message_id
