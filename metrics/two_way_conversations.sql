-- title: Two-way conversations
-- asks: In how many conversations is there an ask, a reply, and the asker speaking again?
-- formula: two_way / conversations
-- unit: share
-- better: higher
-- leaves out: conversations whose first ask is under 72 h old; inferred replies, which tie nobody's next words
-- needs: others' posts, replies
-- source: Hearth's own, by the creed: "One-way communication is an epic fail"; Wilson 1927
--
-- One each, in the week of its first ask: the reply and the asker's next words after it must both have come within
-- 72 h of it, so that an old conversation has had no more time than a young one.
with ask as (
    select conversation_key, is_opener, asked_at, week, split, age_hours, again_at
    from asks_in(null, $until_at, $by, $platforms, $sources, $channels, $population, false)
),
later as (  -- where the opener is no ask: they are few, so that hardly any conversation is looked through
    select conversation_key, arg_min(ask, asked_at) as first_ask
    from ask
    where not is_opener
    group by conversation_key
),
conversation as (
    from ask where is_opener
    union all
    select unnest(first_ask) from later
    where conversation_key not in (select conversation_key from ask where is_opener)
),
counted as (
    select
        week, split, count(*) filter (where again_at <= asked_at + interval 72 hours) as two_way,
        count(*) as conversations
    from conversation
    where age_hours >= 72 and asked_at >= coalesce($since_at, asked_at)
    group by grouping sets ((week, split), (split))
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.two_way / nullif(counted.conversations, 0) end as share,
    case when weeks.is_known then wilson_low(counted.two_way, counted.conversations) end as low,
    case when weeks.is_known then wilson_high(counted.two_way, counted.conversations) end as high,
    coalesce(counted.two_way, 0) as two_way, coalesce(counted.conversations, 0) as conversations
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
