-- title: Waiting now
-- asks: How many asks are waiting when the data ends, and how many of them past their target?
-- formula: asks = asks without a reply or a mark that settles them; past_target = those over their target
-- unit: asks
-- better: lower
-- leaves out: what needs no reply; what is marked as answered elsewhere; inferred replies unless asked for
-- needs: others' posts, replies
-- source: Hearth's own: it counts the rows of `unanswered`
--
-- One row, or one a split, with the people waiting, the longest wait so far, and of how many asks in all. Target: the
-- hours asked for, else the channel's, else 24.
select
    split, count(*) filter (where is_waiting) as asks,
    len(coalesce(list_distinct(list(person_id) filter (where is_waiting)), [])) as people,  -- count(distinct) is slow
    count(*) filter (where is_waiting and age_hours > coalesce($hours::double, target_hours, 24)) as past_target,
    max(age_hours) filter (where is_waiting) as hours_longest, count(*) as of_asks
from (
    select *, answered_at is null and not is_settled as is_waiting
    from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
) as asked
group by grouping sets ((split), ())
having (grouping(split) = 1) = ($by = '')
order by split
