-- title: Conversations
-- about: What was talked about, a row a thread or exchange, with its opening words and what became of its asks.
-- filters: since, until, platforms, sources, channels, answered, contains
--
-- Answered: there is an ask in it, and none waits. A conversation belongs to the period in which it was opened.
with asked as (
    select
        conversation_key, count(*) filter (where needs_reply) as asks,
        count(*) filter (
            where needs_reply and reply_at is null and not ($inferred and inferred_reply_at is not null)
        ) as unanswered,
        arg_min(message_id, asked_at) filter (where is_opener) as message_id,
        arg_min(sentiment, asked_at) filter (where is_opener) as sentiment, arg_max(ended, asked_at) as ended
    from asks
    group by conversation_key
),
said as (
    select *, deleted_at is null and sent_at >= $words_since::timestamptz as has_words
    from messages
),
viewed as (
    select
        conversations.opened_at, conversations.last_at, places.platform, places.source_name, places.channel_name,
        people.name, case when said.has_words then left(said.title, $letters) end as title,
        case when said.has_words then left(said.text, $letters) end as text,
        conversations.lines as messages, coalesce(asked.asks, 0) as asks, coalesce(asked.unanswered, 0) as unanswered,
        asked.sentiment, asked.ended, places.is_private, said.permalink, places.source, places.channel,
        conversations.conversation_key::varchar as conversation, asked.message_id as message,
        said.member_id as member
    from conversations
    inner join places on conversations.place_id = places.place_id
    left join asked on conversations.conversation_key = asked.conversation_key
    left join said on conversations.source_key = said.source_key and asked.message_id = said.message_id
    left join people on said.source_key = people.source_key and said.member_id = people.member_id
    where
        (
            not places.is_private
            or conversations.source_key in (select source_key from loads where private_reason is not null)
        )
        and conversations.opened_at >= $since_at::timestamptz -- if: since
        and conversations.opened_at < $until_at::timestamptz -- if: until
        and list_contains($platforms::varchar[], places.platform) -- if: platforms
        and list_has_any($sources::varchar[], [places.source, places.source_name]) -- if: sources
        and list_has_any($channels::varchar[], [places.channel, places.channel_name]) -- if: channels
        and asked.asks > 0 and (asked.unanswered = 0) = $answered -- if: answered
        and said.has_words and contains(lower(concat_ws(' ', said.title, said.text)), lower($contains)) -- if: contains
)
select
    opened_at,
    last_at,
    platform,
    source_name,
    channel_name,
    name,
    title,
    text,
    messages,
    asks,
    unanswered,
    sentiment,
    ended,
    is_private,
    permalink,
    source,
    channel,
    conversation,
    message,
    member
from viewed
order by opened_at desc, platform, source, conversation
limit $limit -- if: page
offset $offset -- if: page
