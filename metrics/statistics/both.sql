-- What a share counts in two periods, whatever it is (counted/). A macro, for the guard and the explanation.
create or replace temp macro counted_in_both(
    since, until, before_since, before_until, zone, due, platforms, sources, channels, population, inferred
) as table
select *, true as is_now
from counted_in(since, until, zone, due, platforms, sources, channels, population, inferred)
union all by name
select *, false as is_now
from counted_in(before_since, before_until, zone, due, platforms, sources, channels, population, inferred);
