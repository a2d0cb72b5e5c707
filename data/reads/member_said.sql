-- A person's messages, the newest first, and the first reply each got. $person: as the table `member` names them;
-- $closed: platforms that are left out. $only: nothing for all of them, `asks` for what waits or waited for a reply,
-- `waiting` for what still does. $skip and $limit: which of them.
-- A reply is, to an ask or a later turn of its asker, what another human said next in that conversation; to any other
-- message, what names it as its parent. as_of: until when a reply could have been seen.
with account as (
    select people.source_key, people.member_id
    from people
    inner join sources on people.source_key = sources.source_key
    where people.person_id = $person::ubigint and not list_contains($closed::varchar[], sources.platform)
),
turn as (
    select source_key, message_id, 'ask' as what, needs_reply, reason, reply_at from asks
    where person_id = $person::ubigint
    union all
    select source_key, message_id, 'follow-up' as what, said is null as needs_reply, said as reason, reply_at
    from later_turns
    where person_id = $person::ubigint
),
moment as (
    select
        messages.source_key, messages.message_id, messages.sent_at, turn.what,
        turn.needs_reply, turn.reason, turn.reply_at
    from messages
    inner join account on messages.source_key = account.source_key and messages.member_id = account.member_id
    left join turn on messages.source_key = turn.source_key and messages.message_id = turn.message_id
    where
        messages.kind = 'message'
        and case
            when $only = '' then true
            when $only = 'asks' then turn.needs_reply
            else turn.needs_reply and turn.reply_at is null
        end
    order by messages.sent_at desc, messages.message_id desc
    limit $limit offset $skip
),
child as (
    select messages.source_key, messages.parent_id, min(messages.sent_at) as first_at
    from messages
    left join people on messages.source_key = people.source_key and messages.member_id = people.member_id
    where
        messages.parent_id in (select message_id from moment) and messages.kind = 'message'
        and messages.deleted_at is null and coalesce(people.role, 'member') <> 'bot'
        and people.person_id is distinct from $person::ubigint
    group by messages.source_key, messages.parent_id
),
said as (
    select
        messages.source_key, messages.message_id, messages.channel_id, messages.sent_at, messages.title, messages.text,
        messages.permalink, messages.edited_at, messages.deleted_at, moment.what, moment.needs_reply, moment.reason,
        coalesce(moment.reply_at, child.first_at) as reply_at
    from moment
    inner join messages on moment.source_key = messages.source_key and moment.message_id = messages.message_id
    left join child on moment.source_key = child.source_key and moment.message_id = child.parent_id
    where messages.sent_at in (select latest.sent_at from moment as latest)
),
reply as (
    select
        said.source_key, said.message_id, answer.text, people.name, people.role,
        concat_ws(':', places.platform, places.source, answer.member_id) as account
    from said
    inner join messages as answer
        on
            said.source_key = answer.source_key and said.channel_id = answer.channel_id
            and said.reply_at = answer.sent_at
    inner join places on said.source_key = places.source_key and said.channel_id = places.channel
    left join people on answer.source_key = people.source_key and answer.member_id = people.member_id
    where
        answer.sent_at in (select answered.reply_at from said as answered)
        and answer.kind = 'message' and answer.deleted_at is null
        and people.person_id is distinct from $person::ubigint and coalesce(people.role, 'member') <> 'bot'
    qualify row_number() over (partition by said.source_key, said.message_id order by answer.message_id) = 1
)
select
    said.sent_at, said.message_id as message, places.platform, places.source_name, places.channel_name,
    said.title, said.text,
    said.permalink, said.edited_at is not null as is_edited, said.deleted_at is not null as is_deleted,
    said.what, coalesce(said.needs_reply, false) as needs_reply, said.reason,
    said.reply_at, (epoch_us(coalesce(said.reply_at, places.as_of)) - epoch_us(said.sent_at)) / 3.6e9 as hours,
    reply.name as reply_name, reply.role as reply_role, reply.account as reply_account, reply.text as reply_text
from said
inner join places on said.source_key = places.source_key and said.channel_id = places.channel
left join reply on said.source_key = reply.source_key and said.message_id = reply.message_id
order by said.sent_at desc, said.message_id desc
