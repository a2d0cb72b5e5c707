select week, avg(is_welcomed::integer) as share, count(*) as newcomers
from newcomers()
where first_at <= ends_at() - interval 24 hours
group by week
order by week
