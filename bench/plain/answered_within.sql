-- The share of the answered among asks old enough. Left out: Kaplan and Meier, who also use the younger ones.
select
    asked.week, target.hours, avg(coalesce(asked.hours <= target.hours, false)::integer) as share, count(*) as asks
from answered() as asked
cross join (select unnest([1, 4, 24, 72]) as hours) as target
where asked.sent_at <= ends_at() - to_hours(target.hours)
group by asked.week, target.hours
order by asked.week, target.hours
