-- title: Visits
-- about: Who posted in which week, a row a member and week: new, retained, returning or reactivated.
-- filters: since, until, platforms, sources, channels, kinds, contains
--
-- As member_flow counts them: what they are is judged by all their weeks in these places. A week belongs to the period
-- of its first message. $no_profiles: platforms whose terms forbid to follow members over time; they are left out.
with visit as (
    select
        member_days.person_id, member_days.week, sum(member_days.messages)::bigint as messages,
        min(member_days.first_at) as first_at, max(member_days.last_at) as last_at,
        arg_max(places.source_key, member_days.last_at) as source_key, bool_or(places.is_private) as is_private
    from member_days
    inner join places on member_days.place_id = places.place_id
    where
        not list_contains($no_profiles::varchar[], places.platform)
        and (
            not places.is_private
            or places.source_key in (select source_key from loads where private_reason is not null)
        )
        and list_contains($platforms::varchar[], places.platform) -- if: platforms
        and list_has_any($sources::varchar[], [places.source, places.source_name]) -- if: sources
        and list_has_any($channels::varchar[], [places.channel, places.channel_name]) -- if: channels
    group by member_days.person_id, member_days.week
),
told as (
    select *, lag(last_at) over stay as before_at, lag(week) over stay as before_week
    from visit
    window stay as (partition by person_id order by week)
),
known as (
    select person_id, source_key, arg_max(name, last_at) as name, arg_max(member_id, last_at) as member
    from people
    group by person_id, source_key
),
viewed as (
    select
        told.week, known.name,
        case
            when told.before_at is null then 'new'
            when told.before_week >= told.week - 7 then 'retained'
            when told.first_at - told.before_at < interval 1344 hours then 'returning'
            else 'reactivated'
        end as kind,
        sources.platform, sources.source_name, told.messages, told.first_at, told.last_at, told.before_at,
        told.is_private, sources.source, known.member, told.person_id::varchar as person
    from told
    inner join known on told.person_id = known.person_id and told.source_key = known.source_key
    inner join sources on told.source_key = sources.source_key
    where
        true
        and told.first_at >= $since_at::timestamptz -- if: since
        and told.first_at < $until_at::timestamptz -- if: until
        and list_contains($kinds::varchar[], kind) -- if: kinds
        and contains(lower(known.name), lower($contains)) -- if: contains
)
select
    week,
    name,
    kind,
    platform,
    source_name,
    messages,
    first_at,
    last_at,
    before_at,
    is_private,
    source,
    member,
    person
from viewed
order by week desc, platform, source, person
limit $limit -- if: page
offset $offset -- if: page
