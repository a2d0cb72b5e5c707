-- Statistics that take a list: `list({...})` of a group's rows. They stand on z and Wilson in ../macros/shares.sql.

-- Aalen and Johansen 1978: the share that has had the event 1 by `until`, where another event (2) can come first and
-- 0 means neither, so far. For staff replies a peer's earlier reply is the other event, for peers the staff's; a
-- deleted or closed ask is one for both. To count the others as still waiting would claim that they will be answered.
-- waits: a list of {hours, event}. Variance: the delta method (Marubini and Valsecchi 1995); band: log-log of the share
-- not yet reached, so that without other events both are Kaplan-Meier's and Greenwood's. Null where nobody is old
-- enough yet.
create or replace temp macro cumulative_incidence(waits, until) as (
    with each_wait as (select unnest(waits) as wait),
    moments as (
        select
            wait.hours as hours, count(*) filter (where wait.event = 1) as reached,
            count(*) filter (where wait.event > 0) as ended, count(*) as gone
        from each_wait
        group by wait.hours
    ),
    risk as (
        select *, sum(gone) over (order by hours desc)::double as at_risk from moments
    ),
    curve as (
        select
            *,
            coalesce(product(1 - ended / at_risk) over (
                order by hours rows between unbounded preceding and 1 preceding
            ), 1) as waiting_before
        from risk
    ),
    steps as (
        select *, sum(waiting_before * reached / at_risk) over (order by hours) as so_far
        from curve
        where hours <= until
    ),
    reached_by as (
        select coalesce(sum(waiting_before * reached / at_risk), 0) as share from steps
    ),
    varied as (
        select
            any_value(reached_by.share) as share,
            sum(
                coalesce(
                    pow(reached_by.share - so_far, 2) * ended / nullif(at_risk * (at_risk - ended), 0), 0
                )
                + pow(waiting_before, 2) * (at_risk - reached) * reached / pow(at_risk, 3)
                - 2 * (reached_by.share - so_far) * waiting_before * reached / pow(at_risk, 2)
            ) as variance
        from reached_by
        left join steps on true
    ),
    told as (
        select
            share, variance,
            exp(z() * sqrt(variance) / nullif((1 - share) * abs(ln(nullif(1 - share, 0))), 0)) as band,
            list_count(list_filter(waits, lambda wait: wait.hours > until)) > 0
            or list_count(list_filter(waits, lambda wait: wait.event = 0)) = 0 as is_old_enough
        from varied
    )
    select
        case
            when is_old_enough then {
                share: share, variance: variance,
                low: case when share > 0 then 1 - pow(1 - share, 1 / band) else 0.0 end,
                high: case when share > 0 then 1 - pow(1 - share, band) else wilson_high(0, len(waits)) end
            }
        end
    from told
);

-- The bootstrap by member: all that one member did is drawn together, for one member's words are alike. Each replicate
-- gives every member a weight, Poisson with mean 1 (Hanley and MacGibbon 2006), that depends on the member and the
-- replicate alone: the same data gives the same interval, in whatever order it comes. They are hashed as one text:
-- hash(member, replicate) gives replicates that are near copies of each other.
create or replace temp macro replicates() as 1000;
create or replace temp macro chance(member, replicate) as
    (hash(concat_ws('/', member, replicate)) >> 11) / 9007199254740992;
-- How many of the bounds are passed; they are the Poisson distribution, 1/e, 2/e, 2.5/e and so on.
create or replace temp macro poisson_weight(drawn) as
    (drawn >= 0.36787944117144233)::integer + (drawn >= 0.7357588823428847)::integer
    + (drawn >= 0.9196986029286058)::integer + (drawn >= 0.9810118431238462)::integer
    + (drawn >= 0.9963401531726563)::integer + (drawn >= 0.9994058151824183)::integer
    + (drawn >= 0.9999167588507120)::integer;
-- The 95 % interval of sum(part) / sum(whole). members: a list of {member, part, whole}, one entry a member.
create or replace temp macro bootstrap(members) as (
    with drawn as (
        select
            draw.range as replicate, each.part, each.whole,
            poisson_weight(chance(each.member, draw.range)) as weight
        from (select unnest(members) as each) as one
        cross join range(replicates()) as draw
    ),
    figures as (
        select sum(weight * part) / nullif(sum(weight * whole), 0)::double as figure from drawn group by replicate
    )
    select {low: quantile_cont(figure, 0.025), high: quantile_cont(figure, 0.975)} from figures
);
