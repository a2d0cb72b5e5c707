-- The newest first. Left out: priority, newcomers, visits, how they sound.
select asked.sent_at, asked.channel_id, asked.message_id, members.name, asked.text
from openers() as asked
inner join members on asked.source_key = members.source_key and asked.member_id = members.member_id
anti join spoken() as reply
    on
        asked.source_key = reply.source_key and asked.message_id = reply.conversation_id
        and asked.member_id <> reply.member_id and asked.sent_at < reply.sent_at
order by asked.sent_at desc, asked.message_id
limit $limit
