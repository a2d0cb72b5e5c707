-- title: Drifting
-- asks: Which regulars have fallen silent, and what did they last say?
-- formula: silent >= 14 days and >= 3 * usual gap, which is (n * own median + 5 * the median regular's) / (n + 5)
-- unit: rows
-- better: lower
-- leaves out: staff, bots, deleted accounts; days that are not covered; with a first day, who was last seen before it
-- needs: others' posts, member ids
-- source: akin to CHAOSS Inactive Contributors; shrinkage of a small sample (Efron and Morris 1977)
--
-- Regulars: members active on 5 or more of the last 180 days of the period or the data. Their n gaps are the days
-- between active days. Depth: with how many people they exchanged replies, both ways. Of merged accounts the last to
-- speak is judged, by its own days. Most active first; `limit` cuts the list. The creed: "It is a marathon, not a
-- sprint".
with place as (
    select * from scope($platforms, $sources, $channels)
),
days as (
    select
        source_key, day, (sum(is_covered::integer) over (partition by source_key order by day))::integer as number,
        max(day) over (partition by source_key) - 180 as after_day
    from source_days
    where day < coalesce($until, date '9999-01-01')
),
visit as (
    -- A day in several channels is several rows, of which all but the first end no gap.
    select
        member_days.person_id, days.source_key, days.day, days.number, member_days.last_at,
        lag(days.day) over said as before_day, lag(days.number) over said as before_number
    from member_days
    inner join place on member_days.place_id = place.place_id
    inner join days on place.source_key = days.source_key and member_days.day = days.day
    where days.day > days.after_day
    window said as (partition by member_days.person_id, days.source_key order by days.day)
),
seen as (
    select
        person_id, source_key, max(last_at) as last_at, max(day) as last_day, max(number) as last_number,
        count(*) filter (where before_day is distinct from day) as active_days,
        median(number - before_number) filter (where before_day < day) as own_gap
    from visit
    group by person_id, source_key
),
regular as (
    select *, (own_gap * (active_days - 1) + 5 * median(own_gap) over ()) / (active_days + 4) as usual_gap
    from (
        select * from seen
        qualify last_at = max(last_at) over (partition by person_id)
    )
    where active_days >= 5
),
drifting as (
    select regular.*, (ended.number - regular.last_number)::bigint as silent_days
    from regular
    inner join (
        select person_id, arg_max(role, last_at) as role from people
        where person_id in (select person_id from regular)
        group by person_id
    ) as people on regular.person_id = people.person_id
    inner join (select source_key, max(number) as number from days group by source_key) as ended
        on regular.source_key = ended.source_key
    where
        people.role = 'member' and ended.number - regular.last_number >= greatest(14, 3 * regular.usual_gap)
        and regular.last_day >= coalesce($since, regular.last_day)
    order by regular.active_days desc, regular.last_at, regular.person_id
    limit coalesce($limit::bigint, 9223372036854775807)
),
met as (
    select person_id, other_id
    from (
        select replier_id as person_id, asker_id as other_id, true as has_said, place_id, day from reply_pairs
        union all
        select asker_id as person_id, replier_id as other_id, false as has_said, place_id, day from reply_pairs
    ) as exchange
    where
        person_id in (select person_id from drifting) and place_id in (select place_id from place)
        and day < coalesce($until, date '9999-01-01')
    group by person_id, other_id
    having bool_or(has_said) and not bool_and(has_said)
),
deep as (
    select person_id, count(*) as depth from met group by person_id
),
asked as (
    select person_id, arg_max(answered_at is null, asked_at) as is_unanswered
    from asks_in(null, $until_at, '', $platforms, $sources, $channels, $population, $inferred)
    where person_id in (select person_id from drifting)
    group by person_id
),
said as materialized (  -- of other moments the words are not even read
    select * from messages where sent_at in (select last_at from drifting)
),
words as (
    select
        drifting.person_id, people.member_id, people.name, place.*, said.message_id, said.text, said.permalink,
        row_number() over (partition by drifting.person_id order by said.message_id desc) as position
    from drifting
    inner join people on drifting.person_id = people.person_id and drifting.source_key = people.source_key
    inner join said
        on
            people.source_key = said.source_key and people.member_id = said.member_id
            and drifting.last_at = said.sent_at
    inner join place on said.source_key = place.source_key and said.channel_id = place.channel
    where said.kind = 'message' and said.deleted_at is null
)
select
    drifting.last_at, words.platform, words.source, words.source_name, words.source_key, words.channel,
    words.channel_name, words.member_id as member, words.name, drifting.active_days, drifting.usual_gap,
    drifting.silent_days, coalesce(deep.depth, 0) as depth, words.message_id as message, words.text, words.permalink,
    coalesce(asked.is_unanswered, false) as is_last_ask_unanswered
from drifting
left join words on drifting.person_id = words.person_id and words.position = 1
left join deep on drifting.person_id = deep.person_id
left join asked on drifting.person_id = asked.person_id
order by drifting.active_days desc, drifting.last_at, drifting.person_id
