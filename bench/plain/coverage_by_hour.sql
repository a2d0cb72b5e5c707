with asked as (
    select
        isodow(sent_at) as weekday, hour(sent_at) as hour, count(*) as asks,
        avg(coalesce(hours <= 4, false)::integer) as share
    from answered()
    where sent_at <= ends_at() - interval 4 hours
    group by all
),
present as (
    select isodow(sent_at) as weekday, hour(sent_at) as hour, count(distinct member_id) as staff
    from spoken()
    where is_staff
    group by all
)
select asked.weekday, asked.hour, asked.asks, asked.share, coalesce(present.staff, 0) as staff
from asked
left join present on asked.weekday = present.weekday and asked.hour = present.hour
order by asked.weekday, asked.hour
