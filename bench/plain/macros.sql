-- What an analyst would write down first, against the raw tables alone: who spoke, who asked, who answered. An ask is
-- an opener by a member with a question mark; an answer is a later message by somebody else in its thread. Left out:
-- the roster, turns, asks after a day of silence, answers outside of threads, every other sign that an ask needs a
-- reply, coverage, intervals, and the row for the whole period.

create or replace temp macro ends_at() as (select max(sent_at) from messages);

create or replace temp macro spoken() as table
select messages.*, members.is_staff, date_trunc('week', messages.sent_at)::date as week
from messages
inner join members on messages.source_key = members.source_key and messages.member_id = members.member_id
where messages.kind = 'message' and messages.deleted_at is null and not members.is_bot;

create or replace temp macro openers() as table
select * from spoken() where parent_id is null and not is_staff and contains(text, '?');

create or replace temp macro answered() as table
select
    asked.source_key, asked.message_id, any_value(asked.member_id) as member_id, any_value(asked.week) as week,
    any_value(asked.sent_at) as sent_at, any_value(asked.text_key) as text_key, min(reply.sent_at) as answered_at,
    arg_min(reply.member_id, reply.sent_at) as answered_by,
    coalesce(arg_min(reply.is_staff, reply.sent_at), false) as is_staff_first,
    epoch(min(reply.sent_at) - any_value(asked.sent_at)) / 3600 as hours
from openers() as asked
left join spoken() as reply
    on
        asked.source_key = reply.source_key and asked.message_id = reply.conversation_id
        and asked.member_id <> reply.member_id and asked.sent_at < reply.sent_at
group by asked.source_key, asked.message_id;

-- When each member first spoke, and when somebody else did next in that conversation.
create or replace temp macro newcomers() as table
with arrived as (
    select
        source_key, member_id, min(sent_at) as first_at, arg_min(week, sent_at) as week,
        arg_min(coalesce(conversation_id, message_id), sent_at) as conversation_id
    from spoken()
    where not is_staff
    group by source_key, member_id
    having min(sent_at) >= (select min(sent_at) + interval 60 days from messages)
)
select
    arrived.source_key, arrived.member_id, any_value(arrived.week) as week, any_value(arrived.first_at) as first_at,
    coalesce(min(reply.sent_at) <= any_value(arrived.first_at) + interval 24 hours, false) as is_welcomed
from arrived
left join spoken() as reply
    on
        arrived.source_key = reply.source_key and arrived.conversation_id = reply.conversation_id
        and arrived.member_id <> reply.member_id and arrived.first_at < reply.sent_at
group by arrived.source_key, arrived.member_id;

create or replace temp macro active_weeks() as table
select distinct source_key, member_id, week from spoken() where not is_staff;
