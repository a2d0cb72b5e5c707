with praise as (
    select said.source_key, said.message_id, said.week, said.sent_at, said.conversation_id
    from spoken() as said
    inner join scores on said.text_key = scores.text_key
    where
        not said.is_staff and scores.positive >= 0.6 and contains(trim(said.text), ' ')
        and said.sent_at <= ends_at() - interval 72 hours
),
thanked as (
    select distinct praise.source_key, praise.message_id
    from praise
    inner join spoken() as reply
        on
            praise.source_key = reply.source_key and praise.conversation_id = reply.conversation_id
            and praise.sent_at < reply.sent_at and reply.sent_at <= praise.sent_at + interval 72 hours
    where reply.is_staff
),
reacted as (
    select distinct reactions.source_key, reactions.message_id
    from reactions
    inner join members on reactions.source_key = members.source_key and reactions.member_id = members.member_id
    where members.is_staff
)
select
    praise.week, count(thanked.message_id) as thanked,
    count(reacted.message_id) filter (where thanked.message_id is null) as reacted_only, count(*) as praise
from praise
left join thanked on praise.source_key = thanked.source_key and praise.message_id = thanked.message_id
left join reacted on praise.source_key = reacted.source_key and praise.message_id = reacted.message_id
group by praise.week
order by praise.week
