-- title: Asks
-- about: What needed a reply, a row an ask, and what became of it.
-- filters: since, until, platforms, sources, channels, reasons, sentiments, answered, contains
--
-- The same asks as the metrics count. A reply that is only guessed counts where $inferred says so.
with said as (
    select *, deleted_at is null and sent_at >= $words_since::timestamptz as has_words
    from messages
),
replier as (
    select person_id, arg_max(name, last_at) as name
    from people
    group by person_id
),
answer as (
    select
        *,
        case when $inferred then least(reply_at, inferred_reply_at) else reply_at end as answered_at,
        case when answered_at = reply_at then reply_by else inferred_reply_by end as answered_by,
        case when $inferred then least(staff_reply_at, inferred_staff_reply_at) else staff_reply_at end
        as staff_answered_at
    from asks
    where needs_reply
),
viewed as (
    select
        answer.asked_at, places.platform, places.source_name, places.channel_name, people.name,
        case when said.has_words then left(said.title, $letters) end as title,
        case when said.has_words then left(said.text, $letters) end as text,
        answer.reason, answer.sentiment, answer.is_newcomer,
        answer.answered_at is not null as is_answered, answer.answered_at,
        (epoch_us(coalesce(answer.answered_at, places.as_of)) - epoch_us(answer.asked_at)) / 3.6e9 as hours,
        coalesce(places.target_hours, 24) as target_hours, hours > coalesce(places.target_hours, 24) as is_past_target,
        case when answer.answered_at is not null then replier.name end as answered_by,
        case when answer.staff_answered_at = answer.answered_at then 'staff' when is_answered then 'member' end
        as answered_by_role,
        answer.staff_answered_at, answer.again_at, answer.ended, answer.is_opener,
        places.is_private, said.permalink, places.as_of, places.source, places.channel,
        answer.conversation_key::varchar as conversation, answer.message_id as message, said.member_id as member
    from answer
    inner join places on answer.place_id = places.place_id
    left join said on answer.source_key = said.source_key and answer.message_id = said.message_id
    left join people on said.source_key = people.source_key and said.member_id = people.member_id
    left join replier on answer.answered_by = replier.person_id
    where
        (not places.is_private or answer.source_key in (select source_key from loads where private_reason is not null))
        and answer.asked_at >= $since_at::timestamptz -- if: since
        and answer.asked_at < $until_at::timestamptz -- if: until
        and list_contains($platforms::varchar[], places.platform) -- if: platforms
        and list_has_any($sources::varchar[], [places.source, places.source_name]) -- if: sources
        and list_has_any($channels::varchar[], [places.channel, places.channel_name]) -- if: channels
        and list_contains($reasons::varchar[], answer.reason) -- if: reasons
        and list_contains($sentiments::varchar[], coalesce(answer.sentiment, 'unclassified')) -- if: sentiments
        and is_answered = $answered -- if: answered
        and said.has_words and contains(lower(concat_ws(' ', said.title, said.text)), lower($contains)) -- if: contains
)
select
    asked_at,
    platform,
    source_name,
    channel_name,
    name,
    title,
    text,
    reason,
    sentiment,
    is_newcomer,
    is_answered,
    answered_at,
    hours,
    target_hours,
    is_past_target,
    answered_by,
    answered_by_role,
    staff_answered_at,
    again_at,
    ended,
    is_opener,
    is_private,
    permalink,
    as_of,
    source,
    channel,
    conversation,
    message,
    member
from viewed
order by asked_at desc, platform, source, message
limit $limit -- if: page
offset $offset -- if: page
