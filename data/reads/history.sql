-- What somebody said before an ask, the newest first, with what is known of them by then. $person: the person's key, as
-- the metric `unanswered` gives it; $before: the ask's moment; $unfollowed: platforms whose members nobody may follow.
with account as (
    select people.source_key, people.member_id, people.person_id
    from people
    inner join sources on people.source_key = sources.source_key
    where people.person_id = $person::ubigint and not list_contains($unfollowed, sources.platform)
),
known as (
    select min(member_days.first_at) as first_at, count(distinct member_days.day) as days
    from member_days
    inner join places on member_days.place_id = places.place_id
    where
        member_days.person_id = $person::ubigint and member_days.first_at < $before::timestamptz
        and not list_contains($unfollowed, places.platform)
),
asked as (
    select source_key, message_id, reply_at, is_settled
    from asks
    where
        person_id = $person::ubigint and needs_reply and asked_at < $before::timestamptz
        and source_key in (select source_key from account)
),
counted as (
    select count(*) as asks, count(*) filter (where reply_at is not null) as answered from asked
)
select
    messages.sent_at, places.platform, places.channel_name, messages.title, messages.text,
    asked.message_id is not null as is_ask, asked.reply_at, coalesce(asked.is_settled, false) as is_settled,
    known.first_at, known.days, counted.asks, counted.answered
from messages
inner join account on messages.source_key = account.source_key and messages.member_id = account.member_id
inner join places on messages.source_key = places.source_key and messages.channel_id = places.channel
left join asked on messages.source_key = asked.source_key and messages.message_id = asked.message_id
cross join known
cross join counted
where messages.sent_at < $before::timestamptz and messages.kind = 'message' and messages.deleted_at is null
order by messages.sent_at desc, messages.message_id
limit $limit
