-- With whom a person exchanged replies, those of the most days first: how many replies each way, on how many days, and
-- of the person's asks how many they answered first and within how many hours half of those. is_deep: both replied, on
-- 3 or more of the 90 days up to their last. in_all: with how many. $person: as the table `member` names them;
-- $closed: platforms that are left out; $limit: how many.
with place as (
    select place_id, platform from places where not list_contains($closed::varchar[], platform)
),
exchange as (
    select
        if(replier_id = $person::ubigint, asker_id, replier_id) as other_id, any_value(pair_id) as pair_id,
        coalesce(sum(replies) filter (where asker_id = $person::ubigint), 0)::bigint as to_them,
        coalesce(sum(replies) filter (where replier_id = $person::ubigint), 0)::bigint as by_them,
        count(distinct day) as days, max(day) as last_day
    from reply_pairs
    where (replier_id = $person::ubigint or asker_id = $person::ubigint) and place_id in (select place_id from place)
    group by other_id
),
depth as (
    select pair_id, arg_max(is_two_way and is_often, day) as is_deep
    from pair_days
    where pair_id in (select pair_id from exchange)
    group by pair_id
),
first_answer as (
    select
        reply_by, count(*) as answers,
        quantile_disc((epoch_us(reply_at) - epoch_us(asked_at)) / 3.6e9, 0.5) as hours_p50
    from asks
    where
        person_id = $person::ubigint and needs_reply and reply_at is not null
        and place_id in (select place_id from place)
    group by reply_by
),
other as (
    select
        people.person_id, arg_max(people.name, people.messages) as name, arg_max(people.role, people.messages) as role,
        arg_max(concat_ws(':', sources.platform, sources.source, people.member_id), people.messages) as account
    from people
    inner join sources on people.source_key = sources.source_key
    where people.person_id in (select other_id from exchange) and sources.platform in (select platform from place)
    group by people.person_id
)
select
    other.name, other.role, other.account, exchange.to_them, exchange.by_them, exchange.days, exchange.last_day,
    coalesce(depth.is_deep, false) as is_deep, coalesce(first_answer.answers, 0) as first_answers,
    first_answer.hours_p50,
    count(*) over () as in_all, sum(coalesce(depth.is_deep, false)::integer) over ()::bigint as deep
from exchange
inner join other on exchange.other_id = other.person_id
left join depth on exchange.pair_id = depth.pair_id
left join first_answer on exchange.other_id = first_answer.reply_by
where other.role <> 'bot'
order by exchange.days desc, exchange.to_them + exchange.by_them desc, other.account
limit $limit
