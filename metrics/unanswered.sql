-- title: Unanswered
-- asks: Who is still waiting for an answer, and since when?
-- formula: priority = 0.4 past target + 0.15 each: newcomer, unhappy, question or mention, age (most at 3 days)
-- unit: rows
-- better: lower
-- leaves out: what needs no reply; the time after the source's data ends: an old export does not go on ageing
-- source: Hearth's own, by the creed: "Visitors asking questions get a response"
--
-- Past target: waiting longer than the hours asked for, else the channel's target, else 24. After three days age weighs
-- half as much every four weeks: who was let down half a year ago is no longer at the door. Most urgent first; `limit`
-- cuts the list.
with waiting as (
    select
        *, coalesce($hours::double, target_hours, 24) as due_hours, age_hours > due_hours as is_past_target,
        round(
            0.4 * is_past_target::integer + 0.15 * is_newcomer::integer
            + 0.15 * coalesce(sentiment = 'negative', false)::integer
            + 0.15 * (reason in ('question', 'mentions staff', 'mentions the brand'))::integer
            + 0.15 * least(age_hours / 72, 1) * pow(0.5, greatest(age_hours - 72, 0) / 672), 4
        ) as priority
    from asks_in($since_at, $until_at, '', $platforms, $sources, $channels, $population, $inferred)
    where answered_at is null
    order by priority desc, asked_at, ask_id
    limit coalesce($limit::bigint, 9223372036854775807)
),
visits as (
    select person_id, count(distinct day) as visits
    from member_days
    where person_id in (select person_id from waiting)
    group by person_id
)
select
    waiting.asked_at, places.platform, places.source, places.source_name, places.source_key,
    places.channel, places.channel_name, waiting.conversation_key::varchar as conversation,
    waiting.message_id as message, messages.member_id as member, people.name, messages.title, messages.text,
    waiting.age_hours, waiting.due_hours as target_hours, waiting.is_past_target,
    waiting.reason, waiting.is_newcomer, coalesce(visits.visits, 0) as visits, waiting.sentiment,
    waiting.priority, messages.permalink
from waiting
inner join places on waiting.place_id = places.place_id
inner join messages
    on waiting.source_key = messages.source_key and waiting.message_id = messages.message_id
left join people on messages.source_key = people.source_key and messages.member_id = people.member_id
left join visits on waiting.person_id = visits.person_id
order by waiting.priority desc, waiting.asked_at, waiting.ask_id
