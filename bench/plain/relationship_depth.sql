-- A reply answers the message before it in its thread.
with reply as (
    select
        source_key, member_id, sent_at::date as day,
        lag(member_id) over (partition by source_key, conversation_id order by sent_at) as to_member
    from spoken()
    where conversation_id is not null
),
pair_day as (
    select
        source_key, least(member_id, to_member) as one, greatest(member_id, to_member) as other, day,
        bool_or(member_id < to_member) as is_forth, bool_or(member_id > to_member) as is_back
    from reply
    where member_id <> to_member
    group by all
),
pair_week as (
    select distinct source_key, one, other, date_trunc('week', day)::date as week from pair_day
),
judged as (
    select
        pair_week.week, count(*) >= 3 as is_often,
        bool_or(pair_day.is_forth) and bool_or(pair_day.is_back) as is_two_way
    from pair_week
    inner join pair_day
        on
            pair_week.source_key = pair_day.source_key
            and pair_week.one = pair_day.one and pair_week.other = pair_day.other
            and pair_day.day between pair_week.week - 83 and pair_week.week + 6
    group by pair_week.source_key, pair_week.one, pair_week.other, pair_week.week
)
select
    week, count(*) as pairs, count(*) filter (where is_two_way and is_often) as deep_pairs,
    avg(is_two_way::integer) as two_way_share
from judged
group by week
order by week
