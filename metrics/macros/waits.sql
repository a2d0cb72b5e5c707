-- The waits for a first reply, as the steps of a curve: by week and for the whole period (week null). at_risk: those
-- still waiting just before; ended: those answered in this step; reached: those of them whom staff answered first,
-- where of_staff is asked for; gone: also those given up, who have no answer yet and have waited no longer.
-- waiting_before: the share still waiting (Kaplan and Meier 1958); so_far: the share reached by then, where another's
-- reply can come first (Aalen and Johansen 1978); spread: what the step adds to Greenwood's variance.
-- Steps between which nobody is given up make one, as (n-1)/n * (n-2)/(n-1) = (n-2)/n: to sort all waits would take
-- many times as long. Curves are exact at the targets, and where they reach the quantiles: of weeks in which nobody is
-- given up before the slowest reply these are order statistics; of the whole period they are looked up in their step.
create or replace temp macro waits_in(
    since, until, by_what, platforms, sources, channels, population, inferred, targets, quantiles, of_staff
) as table
with waits as (
    select
        week, split, hours, answered_at is not null as is_answered,
        answered_at is not null and (is_staff_first or not of_staff) as is_reached
    from asks_in(since, until, by_what, platforms, sources, channels, population, inferred)
),
asked as (
    select
        week, split, max(hours) filter (where is_answered) as slowest,
        coalesce(min(hours) filter (where not is_answered) >= slowest, true) as is_even,
        list_concat(
            targets::double[], ['inf'::double],
            if(len(quantiles) > 0, quantile_disc(if(is_reached, hours, 'inf'::double), quantiles), [])
        ) as marks
    from waits
    group by week, split
),
given_up as (
    select list_concat(targets::double[], coalesce(list(distinct hours), []), ['inf'::double]) as marks
    from waits
    where
        not is_answered and hours < (select max(slowest) from asked)
        and (len(quantiles) > 0 or hours < list_max(targets::double[]))
),
told as (
    select
        waits.week, waits.split, histogram(waits.hours, asked.marks) as gone,
        histogram(waits.hours, asked.marks) filter (where waits.is_answered) as ended,
        if(of_staff, histogram(waits.hours, asked.marks) filter (where waits.is_reached), ended) as reached
    from waits
    inner join asked on waits.week = asked.week and waits.split is not distinct from asked.split
    where asked.is_even
    group by waits.week, waits.split
    union all
    select
        null as week, waits.split, histogram(waits.hours, given_up.marks) as gone,
        histogram(waits.hours, given_up.marks) filter (where waits.is_answered) as ended,
        if(of_staff, histogram(waits.hours, given_up.marks) filter (where waits.is_reached), ended) as reached
    from waits
    cross join given_up
    group by waits.split
),
moments as (
    select
        week, split, unnest(map_keys(gone)) as hours, unnest(map_values(gone)) as gone,
        coalesce(unnest(map_values(ended)), 0) as ended, coalesce(unnest(map_values(reached)), 0) as reached
    from told
    union all by name
    select
        waits.week, waits.split, waits.hours, count(*) as gone,
        count(*) filter (where waits.is_answered) as ended, count(*) filter (where waits.is_reached) as reached
    from waits
    inner join asked on waits.week = asked.week and waits.split is not distinct from asked.split
    where not asked.is_even
    group by waits.week, waits.split, waits.hours
),
risk as (
    select *, sum(gone) over (partition by week, split order by hours desc)::double as at_risk
    from moments
    where gone > 0
),
curve as (
    select
        *,
        coalesce(product(1 - ended / at_risk) over (
            partition by week, split order by hours rows between unbounded preceding and 1 preceding
        ), 1) as waiting_before
    from risk
),
steps as (
    select
        *, waiting_before * (1 - ended / at_risk) as waiting_after,
        ended / nullif(at_risk * (at_risk - ended), 0) as spread,
        sum(waiting_before * reached / at_risk) over (
            partition by week, split order by hours rows unbounded preceding
        ) as so_far
    from curve
),
passing as (
    select
        split, quantile, coalesce(max(hours) filter (where so_far < quantile), -1) as after_hours,
        min(hours) filter (where so_far >= quantile) as by_hours,
        ceil(
            (quantile - coalesce(max(so_far) filter (where so_far < quantile), 0))
            * arg_min(at_risk / waiting_before, hours) filter (where so_far >= quantile)
        )::bigint as number
    from steps
    cross join (select unnest(quantiles::double[]) - 1e-12 as quantile) as wanted
    where week is null
    group by split, quantile
)
from steps
union all by name
select
    passing.split, list_sort(list(waits.hours))[passing.number] as hours, any_value(passing.quantile) as so_far,
    0 as gone, 0 as ended, 0 as reached
from passing
inner join waits
    on
        passing.split is not distinct from waits.split
        and waits.hours > passing.after_hours and waits.hours <= passing.by_hours
where waits.is_reached
group by passing.split, passing.quantile, passing.number;
