-- In a day, of the asks at least a day old. Left out: the channels' targets.
select week, avg(coalesce(hours <= 24, false)::integer) as share, count(*) as asks
from answered()
where sent_at <= ends_at() - interval 24 hours
group by week
order by week
