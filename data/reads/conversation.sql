-- A conversation's messages in the order they were said. $conversation: its key, as the metric `unanswered` gives it.
with span as (
    select source_key, first_message, opened_at, last_at
    from conversations
    where source_key = $source_key and conversation_key = $conversation::ubigint
),
-- Only what was said meanwhile (and in the day before, where a clock was wrong): the database passes over all else.
meanwhile as (
    select messages.source_key, messages.message_id, messages.conversation_id
    from messages
    inner join span
        on
            messages.source_key = span.source_key
            and messages.sent_at >= span.opened_at - interval 1 day
            and messages.sent_at <= span.last_at
    where messages.kind = 'message'
),
tied as (
    select first_message as id from span
    union
    select message_id as id from resolved
    where source_key = $source_key and conversation_key = $conversation::ubigint and basis <> 'inferred'
),
-- The platform's own threads among them, so that what was answered inside comes along.
thread as (
    select id from tied
    union
    select conversation_id as id from meanwhile
    where message_id in (select id from tied) and conversation_id is not null
),
place as (
    select source_key, message_id from meanwhile
    where message_id in (select id from thread) or conversation_id in (select id from thread)
),
said as (
    select messages.*
    from messages
    inner join place on messages.source_key = place.source_key and messages.message_id = place.message_id
    inner join span
        on
            messages.source_key = span.source_key
            and messages.sent_at >= span.opened_at - interval 1 day
            and messages.sent_at <= span.last_at
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
order by said.sent_at, said.message_id
limit 500
