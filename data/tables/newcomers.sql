-- title: Newcomers
-- about: First posts, a row a newcomer, with how soon somebody replied. Only where the data starts 60 days before.
-- filters: since, until, platforms, sources, channels, answered, contains
--
-- The same newcomers as the metrics count, and those whose first day is not over yet. A reply that is only guessed
-- counts where $inferred says so.
with said as (
    select *, deleted_at is null and sent_at >= $words_since::timestamptz as has_words
    from messages
),
viewed as (
    select
        newcomers.first_at as posted_at, places.platform, places.source_name, places.channel_name, people.name,
        case when said.has_words then left(said.title, $letters) end as title,
        case when said.has_words then left(said.text, $letters) end as text,
        case
            when $inferred then least(newcomers.reply_at, newcomers.inferred_reply_at) else newcomers.reply_at
        end as answered_at,
        answered_at is not null as is_answered,
        (epoch_us(coalesce(answered_at, places.as_of)) - epoch_us(newcomers.first_at)) / 3.6e9 as hours,
        case
            when answered_at <= newcomers.first_at + interval 24 hours then true
            when newcomers.first_at <= places.as_of - interval 24 hours then false
        end as is_welcomed,
        places.is_private, said.permalink, places.as_of, places.source, places.channel,
        newcomers.message_id as message, said.member_id as member
    from newcomers
    inner join places on newcomers.place_id = places.place_id
    left join said on newcomers.source_key = said.source_key and newcomers.message_id = said.message_id
    left join people on said.source_key = people.source_key and said.member_id = people.member_id
    where
        (
            not places.is_private
            or newcomers.source_key in (select source_key from loads where private_reason is not null)
        )
        and newcomers.first_at >= $since_at::timestamptz -- if: since
        and newcomers.first_at < $until_at::timestamptz -- if: until
        and list_contains($platforms::varchar[], places.platform) -- if: platforms
        and list_has_any($sources::varchar[], [places.source, places.source_name]) -- if: sources
        and list_has_any($channels::varchar[], [places.channel, places.channel_name]) -- if: channels
        and is_answered = $answered -- if: answered
        and said.has_words and contains(lower(concat_ws(' ', said.title, said.text)), lower($contains)) -- if: contains
)
select
    posted_at,
    platform,
    source_name,
    channel_name,
    name,
    title,
    text,
    is_welcomed,
    is_answered,
    answered_at,
    hours,
    is_private,
    permalink,
    as_of,
    source,
    channel,
    message,
    member
from viewed
order by posted_at desc, platform, source, message
limit $limit -- if: page
offset $offset -- if: page
