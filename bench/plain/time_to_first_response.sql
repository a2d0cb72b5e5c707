-- Those not answered yet stand behind all others. Left out: Kaplan and Meier.
select
    week, quantile_cont(coalesce(hours, 1e6), 0.5) as hours_p50,
    quantile_cont(coalesce(hours, 1e6), 0.75) as hours_p75,
    quantile_cont(coalesce(hours, 1e6), 0.9) as hours_p90,
    median(hours) as hours_p50_answered_only, count(*) as asks
from answered()
group by week
order by week
