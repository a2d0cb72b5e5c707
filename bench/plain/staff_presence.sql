-- A reply is a message below another's; it says something with twenty characters that nobody has sent before.
with said as (
    select
        week, member_id, sent_at::date as day, parent_id is not null as is_reply,
        length(text) >= 20 and row_number() over (partition by text order by sent_at, message_id) = 1 as is_substantive
    from spoken()
    where is_staff
)
select
    week, count(distinct member_id) filter (where is_reply) as people, count(distinct day) as days,
    count(*) filter (where is_reply) as replies, count(*) filter (where is_reply and is_substantive) as substantive
from said
group by week
order by week
