-- title: Drifting
-- asks: Which regulars have fallen silent, and what did they last say?
-- formula: silent >= 14 days and >= 3 * usual gap, which is (n * own median + 5 * the median regular's) / (n + 5)
-- unit: rows
-- better: lower
-- leaves out: staff, bots, deleted accounts; days that are not covered; with a first day, who was last seen before it
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
        source_key, day, sum(is_covered::integer) over (partition by source_key order by day) as number,
        max(day) over (partition by source_key) - 180 as after_day
    from source_days
    where day < coalesce($until, date '9999-01-01')
),
visit as (
    select
        member_days.person_id, days.source_key, days.day, days.number, max(member_days.last_at) as last_at,
        days.number - lag(days.number) over (
            partition by member_days.person_id, days.source_key order by days.day
        ) as gap,
        max(max(member_days.last_at)) over (partition by member_days.person_id) as seen_at
    from member_days
    inner join place on member_days.place_id = place.place_id
    inner join days on place.source_key = days.source_key and member_days.day = days.day
    where days.day > days.after_day
    group by member_days.person_id, days.source_key, days.day, days.number
),
regular as (
    select
        person_id, source_key, count(*) as active_days, max(last_at) as last_at, max(day) as last_day,
        max(number) as last_number,
        (median(gap) * count(gap) + 5 * median(median(gap)) over ()) / (count(gap) + 5) as usual_gap
    from visit
    group by person_id, source_key
    having count(*) >= 5 and max(last_at) = max(seen_at)
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
    select said.replier_id as person_id, count(distinct said.asker_id) as depth
    from reply_pairs as said
    inner join reply_pairs as heard on said.replier_id = heard.asker_id and said.asker_id = heard.replier_id
    where
        said.replier_id in (select person_id from drifting) and heard.asker_id in (select person_id from drifting)
        and greatest(said.day, heard.day) < coalesce($until, date '9999-01-01')
        and said.place_id in (select place_id from place) and heard.place_id in (select place_id from place)
    group by said.replier_id
),
asked as (
    select person_id, arg_max(answered_at is null, asked_at) as is_unanswered
    from asks_in(null, $until_at, '', $platforms, $sources, $channels, $population, $inferred)
    where person_id in (select person_id from drifting)
    group by person_id
),
words as (
    select
        drifting.person_id, people.member_id, people.name, place.*, messages.message_id, messages.text,
        messages.permalink,
        row_number() over (
            partition by drifting.person_id order by messages.sent_at desc, messages.message_id desc
        ) as place_in_time
    from drifting
    inner join people on drifting.person_id = people.person_id and drifting.source_key = people.source_key
    inner join messages on people.source_key = messages.source_key and people.member_id = messages.member_id
    inner join place on messages.source_key = place.source_key and messages.channel_id = place.channel
    where messages.kind = 'message' and messages.deleted_at is null and messages.sent_at <= drifting.last_at
)
select
    drifting.last_at, words.platform, words.source, words.source_name, words.source_key, words.channel,
    words.channel_name, words.member_id as member, words.name, drifting.active_days, drifting.usual_gap,
    drifting.silent_days, coalesce(met.depth, 0) as depth, words.message_id as message, words.text, words.permalink,
    coalesce(asked.is_unanswered, false) as is_last_ask_unanswered
from drifting
left join words on drifting.person_id = words.person_id and words.place_in_time = 1
left join met on drifting.person_id = met.person_id
left join asked on drifting.person_id = asked.person_id
order by drifting.active_days desc, drifting.last_at, drifting.person_id
