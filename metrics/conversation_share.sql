-- title: Conversation share
-- asks: How much of what our team says in public answers a member?
-- formula: conversation / (conversation + broadcast), in messages of staff
-- unit: share
-- better: higher
-- leaves out: private channels; an answer that is only inferred is a broadcast, unless inferred replies are asked for
-- needs: others' posts, replies
-- source: Hearth's own, by the creed: "One-way communication is an epic fail"; Wilson 1927
--
-- Conversation: a staff message in a conversation in which a member has spoken before it. Broadcast: every other one,
-- such as an announcement nobody has answered yet. In a chat channel without replies or threads an answer is only
-- inferred.
with said as (
    select
        unnest([staff_days.week, null]) as week,
        split_of($by, place.platform, place.source, place.channel_label) as split,
        staff_days.messages, staff_days.answers + if($inferred, staff_days.inferred_answers, 0) as answers
    from staff_days
    inner join scope($platforms, $sources, $channels) as place on staff_days.place_id = place.place_id
    where
        staff_days.day >= coalesce($since, staff_days.day)
        and staff_days.day < coalesce($until, date '9999-01-01')
),
counted as (
    select week, split, sum(answers)::bigint as conversation, sum(messages)::bigint as messages
    from said
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.conversation / nullif(counted.messages, 0) end as share,
    case when weeks.is_known then wilson_low(counted.conversation, counted.messages) end as low,
    case when weeks.is_known then wilson_high(counted.conversation, counted.messages) end as high,
    coalesce(counted.conversation, 0) as conversation,
    coalesce(counted.messages - counted.conversation, 0) as broadcast
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
