with unhappy as (
    select
        asked.message_id, any_value(asked.week) as week, bool_or(asked.hours <= 168) as is_answered,
        count(again.message_id) > 0 as is_back, arg_max(later.label, again.sent_at) <> 'negative' as is_recovered
    from answered() as asked
    inner join scores on asked.text_key = scores.text_key
    left join spoken() as again
        on
            asked.source_key = again.source_key and asked.message_id = again.conversation_id
            and asked.member_id = again.member_id and asked.answered_at < again.sent_at
            and again.sent_at <= asked.sent_at + interval 7 days
    left join scores as later on again.text_key = later.text_key
    where scores.label = 'negative' and asked.sent_at <= ends_at() - interval 7 days
    group by asked.source_key, asked.message_id
)
select
    week, count(*) as negative, count(*) filter (where is_answered) as answered,
    count(*) filter (where is_back) as spoke_again, count(*) filter (where is_recovered) as recovered
from unhappy
group by week
order by week
