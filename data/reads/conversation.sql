-- A conversation's messages in the order they were said. $conversation: its key, as the metric `unanswered` gives it.
with span as (
    select source_key, opened_at, last_at
    from conversations
    where source_key = $source_key and conversation_key = $conversation::ubigint
),
tied as (
    select $conversation::ubigint as node
    union
    select line_id from resolved
    where source_key = $source_key and conversation_key = $conversation::ubigint and basis <> 'inferred'
),
said as (
    -- Only what was said meanwhile (and in the day before, where a clock was wrong): the database passes over all else.
    select messages.*
    from messages
    inner join span
        on
            messages.source_key = span.source_key
            and messages.sent_at >= span.opened_at - interval 1 day
            and messages.sent_at <= span.last_at
    where
        messages.kind = 'message'
        and hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) in (from tied)
)
select
    said.message_id as message, said.sent_at, said.member_id as member, people.name as author,
    coalesce(people.role, 'member') as role,
    said.text, said.title, said.permalink, said.edited_at,
    said.deleted_at is not null as is_deleted,
    said.message_id in (
        select message_id from asks
        where source_key = $source_key and conversation_key = $conversation::ubigint and needs_reply
    ) as is_ask
from said
left join people on said.source_key = people.source_key and said.member_id = people.member_id
order by said.sent_at, said.message_id
limit 500
