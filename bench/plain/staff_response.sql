-- Staff first within a day, of the asks at least a day old. Left out: Aalen and Johansen.
with asked as (
    select week, case when is_staff_first then hours end as hours, hours <= 24 as is_answered
    from answered()
    where sent_at <= ends_at() - interval 24 hours
)
select
    week, avg(coalesce(hours <= 24, false)::integer) as share,
    quantile_cont(coalesce(hours, 1e6), 0.5) as hours_p50,
    count(*) filter (where is_answered and hours is null) as peer_first, count(*) as asks
from asked
group by week
order by week
