-- Members who may be staff, for they are first to answer, or bots, by their name or because they say the same again and
-- again: in every source at most $limit of each. Nothing is decided by this. first_replies: asks that they were the
-- first to answer, of all of the source's that were answered; differing_share: of their messages, how many differ.
with first_reply as (
    select source_key, reply_by as person_id, count(*) as first_replies, sum(count(*)) over (partition by source_key) as
        answered
    from asks
    where reply_at is not null
    group by source_key, reply_by
),
said as (
    select source_key, member_id, count(distinct text_key) / count(*) as distinct_share
    from messages
    where text_key is not null
    group by source_key, member_id
),
member as (
    select
        people.source_key, people.member_id, people.name, people.handle, people.messages, people.last_at,
        coalesce(first_reply.first_replies, 0) as first_replies, coalesce(first_reply.answered, 0) as answered,
        coalesce(said.distinct_share, 1) as differing_share,
        regexp_matches(lower(concat_ws(' ', people.name, people.handle)), '(bot|-feed|webhook)\b') as is_named_so,
        people.messages >= 20 and (is_named_so or differing_share < 0.2) as is_like_a_bot
    from people
    left join first_reply on people.source_key = first_reply.source_key and people.person_id = first_reply.person_id
    left join said on people.source_key = said.source_key and people.member_id = said.member_id
    where people.role = 'member'
),
suggested as (
    select *, if(is_like_a_bot, 'bot', 'staff') as role
    from member
    where is_like_a_bot or (first_replies >= 5 and first_replies >= 0.03 * answered)
)
select
    suggested.role, sources.platform, sources.source, sources.source_name, suggested.member_id, suggested.name,
    suggested.handle, suggested.last_at, suggested.messages::bigint as messages,
    suggested.first_replies::bigint as first_replies, suggested.answered::bigint as answered,
    suggested.differing_share, suggested.is_named_so
from suggested
inner join sources on suggested.source_key = sources.source_key
qualify
    row_number() over (
        partition by suggested.source_key, suggested.role order by first_replies desc, messages desc, member_id
    ) <= $limit
order by suggested.first_replies desc, suggested.messages desc, suggested.member_id
