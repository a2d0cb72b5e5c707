-- DuckDB's own difference of two moments asks a calendar, row by row: that takes half as long as all the rest.
create or replace temp macro hours_between(earlier, later) as (epoch_us(later) - epoch_us(earlier)) / 3.6e9;

-- 0 is the hour from midnight on Monday, by a clock on the wall.
create or replace temp macro hour_of_week(here) as (isodow(here) - 1) * 24 + hour(here);
