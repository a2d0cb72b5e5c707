-- title: Unanswered
-- asks: Who is still waiting for an answer, and since when?
-- formula: priority = the weights of what fits ([priority] in hearth.toml) / all six; age: least(hours / 72, 1)
-- unit: rows
-- better: lower
-- leaves out: what needs no reply; what is marked as answered elsewhere; the time after the source's data ends
-- needs: others' posts, replies
-- source: Hearth's own, by the creed: "Visitors asking questions get a response"
--
-- Past target: waiting longer than the hours asked for, else the channel's target, else 24. Let down: nobody answered
-- what the same person asked last before; not told where members may not be followed. After three days age weighs half
-- as much every four weeks. A mark "answered elsewhere" is no reply: the ask leaves this list and `waiting_now`, and
-- stays as it is in every rate. What is snoozed or taken waits on. Most urgent first; `limit` cuts the list.
with waiting as (
    select *, coalesce($hours::double, target_hours, 24) as due_hours, age_hours > due_hours as is_past_target
    from asks_in($since_at, $until_at, '', $platforms, $sources, $channels, $population, $inferred)
    where answered_at is null and not is_settled
),
hurried as (
    select
        waiting.*,
        $weight_past_target * is_past_target::integer as of_target, $weight_newcomer * is_newcomer::integer as of_new,
        $weight_unhappy * coalesce(sentiment = 'negative', false)::integer as of_mood,
        $weight_question * (reason in ('question', 'mentions staff', 'mentions the brand'))::integer as of_reason,
        $weight_age * least(age_hours / 72, 1) * pow(0.5, greatest(age_hours - 72, 0) / 672) as of_age,
        $weight_past_target + $weight_newcomer + $weight_unhappy + $weight_question + $weight_let_down + $weight_age
        as of_all, of_target + of_new + of_mood + of_reason + of_age as of_this
    from waiting
),
listed as (
    -- What their past can lift into the list; of all others it need not be looked up.
    select * from hurried
    where
        round((of_this + $weight_let_down) / of_all, 4) >= (
            select round(min(of_this) / any_value(of_all), 4)
            from (
                select of_this, of_all from hurried
                order by of_this desc limit coalesce($limit::bigint, 9223372036854775807)
            )
        )
),
history as (
    select
        asks.ask_id, lag(asks.reply_at is null and not asks.is_settled) over (
            partition by asks.person_id order by asks.asked_at, asks.ask_id
        ) as was_let_down
    from asks
    inner join places on asks.place_id = places.place_id
    where
        asks.needs_reply and asks.person_id in (select person_id from listed)
        and not list_contains($unfollowed, places.platform)
),
weighed as (
    select
        listed.*, coalesce(was_let_down, false) as is_let_down, $weight_let_down * is_let_down::integer as of_past,
        round((of_this + of_past) / of_all, 4) as priority
    from listed
    left join history on listed.ask_id = history.ask_id
    order by priority desc, asked_at, listed.ask_id
    limit coalesce($limit::bigint, 9223372036854775807)
),
said as materialized (  -- of other messages the words are not even read
    select * from messages where sent_at in (select asked_at from weighed)
),
visits as (
    select person_id, count(distinct day) as visits
    from member_days
    where person_id in (select person_id from weighed)
    group by person_id
)
select
    weighed.asked_at, places.platform, places.source, places.source_name, places.source_key,
    places.channel, places.channel_name, places.is_private, weighed.conversation_key::varchar as conversation,
    weighed.message_id as message, said.member_id as member,
    weighed.person_id::varchar as person, people.name, said.title, said.text,
    weighed.age_hours, weighed.business_age_hours, weighed.due_hours as target_hours, weighed.is_past_target,
    weighed.reason, weighed.is_newcomer, coalesce(visits.visits, 0) as visits, weighed.is_let_down, weighed.sentiment,
    weighed.priority, concat_ws(
        ', ', part('past target', of_target / of_all), part('newcomer', of_new / of_all),
        part('unhappy', of_mood / of_all), part('question or mention', of_reason / of_all),
        part('let down before', of_past / of_all), part('age', of_age / of_all)
    ) as because, said.permalink
from weighed
inner join places on weighed.place_id = places.place_id
inner join said on weighed.source_key = said.source_key and weighed.message_id = said.message_id
left join people on said.source_key = people.source_key and said.member_id = people.member_id
left join visits on weighed.person_id = visits.person_id
order by weighed.priority desc, weighed.asked_at, weighed.ask_id
