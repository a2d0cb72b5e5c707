-- In eight hours round the clock. Left out: the calendars.
select week, avg(coalesce(hours <= 8, false)::integer) as share, count(*) as due
from answered()
where sent_at <= ends_at() - interval 8 hours
group by week
order by week
