-- Left out: the ranges that loads state, and inferred replies.
select
    messages.source_key, max(messages.sent_at) as as_of, count(distinct messages.sent_at::date) as days,
    avg(coalesce(members.is_bot, false)::integer) as bot_share,
    avg((messages.member_id is null)::integer) as unknown_member_share,
    count(*) filter (where not members.is_bot and not members.is_staff and scores.label is null)
    / count(*) filter (where not members.is_bot and not members.is_staff) as unclassified_share,
    count(*) as messages
from messages
left join members on messages.source_key = members.source_key and messages.member_id = members.member_id
left join scores on messages.text_key = scores.text_key
where messages.kind = 'message'
group by messages.source_key
order by messages.source_key
