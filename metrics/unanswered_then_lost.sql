-- title: Unanswered, then lost
-- asks: Of the members who asked and then fell silent, how many left on an ask that nobody answered?
-- formula: lost / lapsed
-- unit: share
-- better: lower
-- leaves out: members who never asked; silences under 28 days, or of which under 90 % are covered
-- needs: others' posts, replies, member ids
-- source: Arguello et al. 2006, "Talk to me" (who gets no reply posts again less often); Wilson 1927
--
-- Lapsed: silent for 28 days in the whole source, in the week of the last message before. Coming back later undoes
-- nothing, so that an old week is judged as a new one is. Lost: that message belongs to an ask without a reply in those
-- 28 days. The whole period counts a member once, by the last time. An association.
with lapse as (
    select lapses.*, split_of($by, place.platform, place.source, place.channel_label) as split
    from lapses
    inner join scope($platforms, $sources, $channels) as place on lapses.place_id = place.place_id
    where
        lapses.last_at >= coalesce($since_at, lapses.last_at)
        and lapses.last_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
),
asked as (
    select
        lapse.week, lapse.split, lapse.person_id, lapse.last_at,
        asks.conversation_key = lapse.conversation_key
        and not coalesce(asks.answered_at <= lapse.last_at + interval 28 days, false) as is_lost
    from lapse
    asof inner join (
        select person_id, asked_at, conversation_key, answered_at
        from asks_in(null, null, '', [], [], [], $population, $inferred)
    ) as asks
        on lapse.person_id = asks.person_id and lapse.last_at >= asks.asked_at
),
member as (
    select week, split, person_id, arg_max(is_lost, last_at) as is_lost
    from asked
    group by grouping sets ((week, split, person_id), (split, person_id))
),
counted as (
    select week, split, count(*) filter (where is_lost) as lost, count(*) as lapsed
    from member
    group by week, split
)
select
    weeks.week, weeks.split,
    case when weeks.is_known then counted.lost / nullif(counted.lapsed, 0) end as share,
    case when weeks.is_known then wilson_low(counted.lost, counted.lapsed) end as low,
    case when weeks.is_known then wilson_high(counted.lost, counted.lapsed) end as high,
    coalesce(counted.lost, 0) as lost, coalesce(counted.lapsed, 0) as lapsed
from weeks_in($since, $until, $by, $platforms, $sources, $channels) as weeks
left join counted
    on weeks.week is not distinct from counted.week and weeks.split is not distinct from counted.split
order by weeks.split nulls first, weeks.week nulls first
