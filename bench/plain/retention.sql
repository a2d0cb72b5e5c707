with visit as (
    select week, lead(week) over (partition by source_key, member_id order by week) as next_week
    from active_weeks()
)
select week + 7 as week, avg(coalesce(next_week = week + 7, false)::integer) as share, count(*) as members
from visit
group by visit.week
order by visit.week
