-- title: Messages
-- about: Everything that was said, a row a message.
-- filters: since, until, platforms, sources, channels, roles, sentiments, contains
--
-- What was deleted, and words past retention, come without their words; private places only where a load gave a reason
-- to read them. A member's message has a row in sentiments, so the role is the one of then.
with said as (
    select
        *, hash(source_key, message_id) as line_id,
        hash(source_key, coalesce(conversation_id, message_id)) as node,
        deleted_at is null and sent_at >= $words_since::timestamptz as has_words
    from messages
    where kind = 'message'
),
viewed as (
    select
        said.sent_at, places.platform, places.source_name, places.channel_name, people.name,
        case
            when sentiments.line_id is not null then 'member'
            when people.last_role = 'member' and said.deleted_at is null then 'staff'
            else coalesce(people.last_role, 'member')
        end as role,
        case when said.has_words then left(said.title, $letters) end as title,
        case when said.has_words then left(said.text, $letters) end as text,
        sentiments.label as sentiment, said.attachments, said.edited_at, said.deleted_at is not null as is_deleted,
        said.parent_id is not null as is_tied, places.is_private, said.permalink, places.source, places.channel,
        coalesce(resolved.conversation_key, said.node)::varchar as conversation,
        said.message_id as message, said.parent_id as parent, said.member_id as member
    from said
    inner join places on said.source_key = places.source_key and said.channel_id = places.channel
    left join (select * rename (role as last_role) from people) as people
        on said.source_key = people.source_key and said.member_id = people.member_id
    left join sentiments on said.line_id = sentiments.line_id
    left join resolved on said.node = resolved.line_id and resolved.basis <> 'inferred'
    where
        (not places.is_private or said.source_key in (select source_key from loads where private_reason is not null))
        and said.sent_at >= $since_at::timestamptz -- if: since
        and said.sent_at < $until_at::timestamptz -- if: until
        and list_contains($platforms::varchar[], places.platform) -- if: platforms
        and list_has_any($sources::varchar[], [places.source, places.source_name]) -- if: sources
        and list_has_any($channels::varchar[], [places.channel, places.channel_name]) -- if: channels
        and list_contains($roles::varchar[], role) -- if: roles
        and list_contains($sentiments::varchar[], coalesce(sentiments.label, 'unclassified')) -- if: sentiments
        and said.has_words and contains(lower(concat_ws(' ', said.title, said.text)), lower($contains)) -- if: contains
)
select
    sent_at,
    platform,
    source_name,
    channel_name,
    name,
    role,
    title,
    text,
    sentiment,
    attachments,
    edited_at,
    is_deleted,
    is_tied,
    is_private,
    permalink,
    source,
    channel,
    conversation,
    message,
    parent,
    member
from viewed
order by sent_at desc, platform, source, message
limit $limit -- if: page
offset $offset -- if: page
