-- New messages of the hour after the data ends: those said last, said once more in the same channels and threads.
-- Whoever had come with them comes as a new member.
with last as (
    select messages.*, people.name, people.first_at
    from messages
    left join people on messages.source_key = people.source_key and messages.member_id = people.member_id
    order by messages.sent_at desc, messages.message_id
    limit $messages
),
begun as (
    select
        *, min(sent_at) over () as since, max(sent_at) over () as until,
        row_number() over (order by sent_at, message_id) / $messages as share
    from last
)
select
    $turn || ':' || message_id as id, channel_id,
    case when first_at >= since then $turn || ':' || member_id else member_id end as member_id,
    case when first_at >= since then name end as newcomer,
    until + to_seconds(3600 * ($turn - 1 + share)) as sent_at, text, kind, title, basis, mentions, attachments,
    case when conversation_id in (select message_id from last) then $turn || ':' else '' end || conversation_id
    as conversation_id,
    case when parent_id in (select message_id from last) then $turn || ':' else '' end || parent_id as parent_id
from begun
order by sent_at
