-- How much less the asks of two periods tell because members ask more than once. One row a split.
--
-- design_effect (Kish 1965): the variance of the difference of the two shares when members are drawn, over the variance
-- when single asks are. Each member is left out in turn, of both periods at once (the jackknife; Efron and Stein 1981),
-- so who asks in both is not mistaken for two, and a few members who ask a lot weigh as they should. too_young: asks
-- that have had less time than the target. members: who asked in the period in which fewer did.
with asked as (
    select
        asks.split, asks.person_id, asks.is_now,
        asks.age_hours >= coalesce($hours::double, asks.target_hours, 24) as is_mature,
        asks.answered_at is not null
        and asks.hours <= coalesce($hours::double, asks.target_hours, 24) as is_in_time
    from (
        select *, true as is_now
        from asks_in($since_at, $until_at, $by, $platforms, $sources, $channels, $population, $inferred)
        union all by name
        select *, false as is_now
        from asks_in($before_since_at, $before_until_at, $by, $platforms, $sources, $channels, $population, $inferred)
    ) as asks
),
by_member as (
    select
        split, person_id,
        count(*) filter (where is_now) as asks, count(*) filter (where is_now and is_in_time) as met,
        count(*) filter (where not is_now) as asks_before,
        count(*) filter (where not is_now and is_in_time) as met_before
    from asked
    where is_mature
    group by split, person_id
),
totals as (
    select
        split, count(*) as people,
        least(count(*) filter (where asks > 0), count(*) filter (where asks_before > 0)) as members,
        sum(asks) as asks, sum(asks_before) as asks_before,
        sum(met) as met, sum(met_before) as met_before,
        sum(met) / nullif(sum(asks), 0) as share, sum(met_before) / nullif(sum(asks_before), 0) as share_before
    from by_member
    group by split
),
varied as (
    select
        totals.split,
        (any_value(totals.people) - 1) / any_value(totals.people) * sum(pow(
            (totals.met - by_member.met) / nullif(totals.asks - by_member.asks, 0) - totals.share
            - (totals.met_before - by_member.met_before) / nullif(totals.asks_before - by_member.asks_before, 0)
            + totals.share_before, 2
        )) as by_members,
        any_value(
            totals.share * (1 - totals.share) / totals.asks
            + totals.share_before * (1 - totals.share_before) / totals.asks_before
        ) as by_asks,
        any_value(totals.members) as members
    from by_member
    inner join totals on by_member.split is not distinct from totals.split
    group by totals.split
),
young as (
    select
        split, count(*) filter (where is_now and not is_mature) as too_young,
        count(*) filter (where not is_now and not is_mature) as too_young_before
    from asked
    group by split
)
select
    young.split, young.too_young + young.too_young_before as too_young, coalesce(varied.members, 0) as members,
    varied.by_members / nullif(varied.by_asks, 0) as design_effect
from young
left join varied on young.split is not distinct from varied.split
