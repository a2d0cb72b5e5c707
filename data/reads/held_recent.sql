-- Who said how much of late in which conversation of a source; whether the account had said anything before.
with said as (
    select messages.conversation_id, messages.member_id, messages.sent_at
    from messages
    inner join sources on messages.source_key = sources.source_key
    where sources.platform = $platform and sources.source = $source and messages.member_id is not null
),

firsts as (
    select member_id, min(sent_at) as first_at from said group by member_id
)

select
    said.conversation_id, said.member_id, count(*)::bigint as messages, any_value(firsts.first_at >= $since) as is_new
from said
inner join firsts on said.member_id = firsts.member_id
where said.sent_at >= $since and said.conversation_id is not null
group by said.conversation_id, said.member_id
order by said.conversation_id, said.member_id
