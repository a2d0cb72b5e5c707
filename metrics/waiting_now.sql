-- title: Waiting now
-- asks: How many asks are waiting when the data ends, and how many of them past their target?
-- unit: asks
-- better: lower
-- source: queueing's backlog; counts the rows of `unanswered`
--
-- One row, or one a split: asks and people waiting, those past target (the hours asked for, else the channel's, else
-- 24), and the longest wait so far.
select
    split, count(*) as asks, count(distinct person_id) as people,
    count(*) filter (where age_hours > coalesce($hours::double, target_hours, 24)) as past_target,
    max(age_hours) as hours_longest
from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
where answered_at is null
group by grouping sets ((split), ())
having (grouping(split) = 1) = ($by = '')
order by split
