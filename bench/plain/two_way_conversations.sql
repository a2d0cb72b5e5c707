with conversation as (
    select asked.message_id, any_value(asked.week) as week, min(again.sent_at) is not null as is_two_way
    from answered() as asked
    left join spoken() as again
        on
            asked.source_key = again.source_key and asked.message_id = again.conversation_id
            and asked.member_id = again.member_id and asked.answered_at < again.sent_at
            and again.sent_at <= asked.sent_at + interval 72 hours
    where asked.sent_at <= ends_at() - interval 72 hours
    group by asked.source_key, asked.message_id
)
select week, avg(is_two_way::integer) as share, count(*) as conversations
from conversation
group by week
order by week
