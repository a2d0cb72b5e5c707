-- Whom to talk to, and their words: of each kind one row a person, the newest first, at most $limit. in_all: how many
-- there are of the kind. Days count back from where the data of these places ends.
-- newcomer: a first post of the last 14 days that nobody has replied to; those that need a reply stand first. reason:
-- why that one needs a reply.
-- praise: said in the last 14 days, and no staff spoke there since.
-- lost: silent for 28 days or more, 90 at most, after an ask that nobody has replied to.
-- $platforms, $sources, $channels: the places, where an empty list means all. $inferred: guessed replies count.
with place as (
    select place_id, platform, source, source_name, channel_name, max(as_of) over () as ends_at
    from places
    where
        (len($platforms::varchar[]) = 0 or list_contains($platforms::varchar[], platform))
        and (len($sources::varchar[]) = 0 or list_contains($sources::varchar[], source))
        and (len($channels::varchar[]) = 0 or list_contains($channels::varchar[], channel))
),
lapse as (
    select lapses.person_id, lapses.conversation_key, lapses.last_at
    from lapses
    inner join place on lapses.place_id = place.place_id
    where
        lapses.last_at >= place.ends_at - interval 90 days
        and lapses.last_at >= (select max(last_at) from member_days where member_days.person_id = lapses.person_id)
),
last_ask as (
    select asks.*, asks.conversation_key = lapse.conversation_key as is_last_words
    from lapse
    inner join asks on lapse.person_id = asks.person_id and lapse.last_at >= asks.asked_at
    where asks.needs_reply
    qualify row_number() over (partition by asks.person_id order by asks.asked_at desc, asks.ask_id) = 1
),
word as (
    select
        'newcomer' as kind, newcomers.source_key, newcomers.place_id, newcomers.person_id, newcomers.message_id,
        newcomers.first_at as said_at, 14 as days, false as is_reacted,
        newcomers.reply_at is not null or ($inferred and newcomers.inferred_reply_at is not null) as is_answered,
        case when asks.needs_reply then asks.reason end as reason
    from newcomers
    left join asks on newcomers.line_id = asks.ask_id
    union all by name
    select
        'praise' as kind, source_key, place_id, person_id, message_id, said_at, 14 as days,
        thanked_at is not null as is_answered, is_reacted
    from praise
    union all by name
    select
        'lost' as kind, source_key, place_id, person_id, message_id, asked_at as said_at, 90 as days,
        reply_at is not null or ($inferred and inferred_reply_at is not null) as is_answered, false as is_reacted
    from last_ask
    where is_last_words
),
person as (
    select word.*, place.platform, place.source, place.source_name, place.channel_name
    from word
    inner join place on word.place_id = place.place_id
    where not word.is_answered and word.said_at >= place.ends_at - to_days(word.days)
    qualify row_number() over (partition by kind, person_id order by said_at desc, message_id) = 1
),
told as (
    select *, count(*) over (partition by kind) as in_all
    from person
    qualify row_number() over (partition by kind order by reason is null, said_at desc, message_id) <= $limit
)
select
    told.kind, told.in_all, told.said_at, told.platform, told.source, told.source_name, told.channel_name, people.name,
    messages.member_id as member, told.message_id as message, told.is_reacted, told.reason,
    messages.title, messages.text, messages.permalink
from told
inner join messages on told.source_key = messages.source_key and told.message_id = messages.message_id
left join people on messages.source_key = people.source_key and messages.member_id = people.member_id
order by told.kind, told.reason is null, told.said_at desc, told.message_id
