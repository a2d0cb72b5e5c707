-- Of the asks at least a day old. Left out: the channels' targets.
with asked as (
    select week, hours <= 24 as is_answered, is_staff_first
    from answered()
    where sent_at <= ends_at() - interval 24 hours
)
select
    week, count(*) filter (where is_answered) as answered,
    count(*) filter (where is_answered and is_staff_first) as staff_first, count(*) as asks
from asked
group by week
order by week
