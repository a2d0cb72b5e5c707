-- How much less the asks of two periods tell because members ask more than once: or whatever else is counted, and drawn
-- together. One row a split.
--
-- design_effect (Kish 1965): the variance of the difference of the two shares when members are drawn, over the variance
-- when single asks are. Each member is left out in turn, of both periods at once (the jackknife; Efron and Stein 1981),
-- so who asks in both is not mistaken for two, and a few members who ask a lot weigh as they should. too_young: asks
-- that have had less time than the target. left_out, left_out_before: those, and what came as late in the two periods
-- (both.sql); the others are asks and asks_before, of which met and met_before count. members: who asked in the period
-- in which fewer did.
with asked as (
    select
        split_of($by, place.platform, place.source, place.channel_label) as split, counted.drawn_id, counted.is_now,
        counted.is_mature, counted.is_judged, counted.items, counted.met
    from counted_in_both(
        $since_at, $until_at, $before_since_at, $before_until_at, $zone, $hours, $platforms, $sources, $channels,
        $population, $inferred
    ) as counted
    inner join places as place on counted.place_id = place.place_id
),
by_member as (
    select
        split, drawn_id,
        coalesce(sum(items) filter (where is_now), 0) as asks, coalesce(sum(met) filter (where is_now), 0) as met,
        coalesce(sum(items) filter (where not is_now), 0) as asks_before,
        coalesce(sum(met) filter (where not is_now), 0) as met_before
    from asked
    where is_judged
    group by split, drawn_id
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
        any_value(totals.members) as members, any_value(totals.asks) as asks,
        any_value(totals.asks_before) as asks_before, any_value(totals.met) as met,
        any_value(totals.met_before) as met_before
    from by_member
    inner join totals on by_member.split is not distinct from totals.split
    group by totals.split
),
young as (
    select
        split, coalesce(sum(items) filter (where not is_mature), 0)::bigint as too_young,
        coalesce(sum(items) filter (where is_now and not is_judged), 0)::bigint as left_out,
        coalesce(sum(items) filter (where not is_now and not is_judged), 0)::bigint as left_out_before
    from asked
    group by split
)
select
    young.split, young.too_young, young.left_out, young.left_out_before, coalesce(varied.members, 0) as members,
    coalesce(varied.asks, 0)::bigint as asks, coalesce(varied.asks_before, 0)::bigint as asks_before,
    coalesce(varied.met, 0)::bigint as met, coalesce(varied.met_before, 0)::bigint as met_before,
    varied.by_members / nullif(varied.by_asks, 0) as design_effect
from young
left join varied on young.split is not distinct from varied.split
