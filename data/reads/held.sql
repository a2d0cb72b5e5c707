-- What is held of one source and was not deleted, so that it can be looked for upstream.
select
    messages.message_id, messages.channel_id, messages.member_id, messages.sent_at, messages.kind,
    messages.conversation_id, messages.parent_id, messages.basis
from messages
inner join sources on messages.source_key = sources.source_key
where sources.platform = $platform and sources.source = $source and messages.deleted_at is null
order by messages.conversation_id, messages.message_id
