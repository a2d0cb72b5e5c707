-- title: Members
-- about: Who spoke, a row an account, with what they said in these places and this period.
-- filters: since, until, platforms, sources, channels, roles, contains
--
-- $no_profiles: platforms whose terms forbid to follow members over time; they are left out. Accounts that somebody has
-- merged share a person. Staff and bots are there too, by the role of their last message.
with spoke as (
    select
        messages.source_key, messages.member_id, count(*) as messages,
        count(distinct timezone($zone, messages.sent_at)::date) as active_days,
        min(messages.sent_at) as first_at, max(messages.sent_at) as last_at,
        count(asks.ask_id) as asks,
        count(asks.ask_id) filter (
            where asks.reply_at is null and not ($inferred and asks.inferred_reply_at is not null)
        ) as unanswered,
        bool_or(places.is_private) as is_private
    from messages
    inner join places on messages.source_key = places.source_key and messages.channel_id = places.channel
    left join asks on hash(messages.source_key, messages.message_id) = asks.ask_id and asks.needs_reply
    where
        messages.kind = 'message' and messages.deleted_at is null and messages.member_id is not null
        and (
            not places.is_private
            or messages.source_key in (select source_key from loads where private_reason is not null)
        )
        and messages.sent_at >= $since_at::timestamptz -- if: since
        and messages.sent_at < $until_at::timestamptz -- if: until
        and list_contains($platforms::varchar[], places.platform) -- if: platforms
        and list_has_any($sources::varchar[], [places.source, places.source_name]) -- if: sources
        and list_has_any($channels::varchar[], [places.channel, places.channel_name]) -- if: channels
    group by messages.source_key, messages.member_id
),
viewed as (
    select
        people.name, people.handle, people.role, sources.platform, sources.source_name,
        spoke.messages, spoke.active_days, spoke.asks, spoke.unanswered, spoke.first_at, spoke.last_at,
        people.first_at as first_seen_at, people.is_newcomer_known, spoke.is_private, sources.source,
        spoke.member_id as member, people.person_id::varchar as person
    from spoke
    inner join people on spoke.source_key = people.source_key and spoke.member_id = people.member_id
    inner join sources on spoke.source_key = sources.source_key
    where
        not list_contains($no_profiles::varchar[], sources.platform)
        and list_contains($roles::varchar[], people.role) -- if: roles
        and contains(lower(concat_ws(' ', people.name, people.handle)), lower($contains)) -- if: contains
)
select
    name,
    handle,
    role,
    platform,
    source_name,
    messages,
    active_days,
    asks,
    unanswered,
    first_at,
    last_at,
    first_seen_at,
    is_newcomer_known,
    is_private,
    source,
    member,
    person
from viewed
order by last_at desc, platform, source, member
limit $limit -- if: page
offset $offset -- if: page
