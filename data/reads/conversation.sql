-- A conversation's messages in the order they were said. $conversation: its key, as the metric `unanswered` gives it.
with said as (
    select messages.*
    from messages
    where
        messages.source_key = $source_key
        and messages.kind = 'message'
        and (
            hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) = $conversation::ubigint
            or messages.message_id in (
                select message_id from resolved
                where conversation_key = $conversation::ubigint and basis <> 'inferred'
            )
        )
)
select
    said.message_id as message, said.sent_at, people.name as author, coalesce(people.role, 'member') as role,
    said.text, said.title, said.permalink, said.edited_at,
    said.deleted_at is not null as is_deleted,
    said.message_id in (
        select message_id from asks
        where source_key = $source_key and conversation_key = $conversation::ubigint and needs_reply
    ) as is_ask
from said
left join people on said.source_key = people.source_key and said.member_id = people.member_id
where
    said.message_id not in (
        select message_id from resolved
        where source_key = $source_key and conversation_key <> $conversation::ubigint and basis <> 'inferred'
    )
order by said.sent_at, said.message_id
limit 500
