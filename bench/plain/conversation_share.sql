with opened as (
    select source_key, conversation_id, min(sent_at) as member_at
    from spoken()
    where not is_staff and conversation_id is not null
    group by source_key, conversation_id
)
select
    said.week, avg(coalesce(opened.member_at < said.sent_at, false)::integer) as share, count(*) as messages
from spoken() as said
left join opened on said.source_key = opened.source_key and said.conversation_id = opened.conversation_id
where said.is_staff
group by said.week
order by said.week
