-- A part of a sum by its name, such as "age 0.08"; nothing where it adds nothing.
create or replace temp macro part(name, share) as case when share >= 0.005 then format('{} {:.2f}', name, share) end;

-- Wilson 1927: the interval of a share of k in n.
create or replace temp macro z() as 1.959963984540054;
create or replace temp macro wilson_middle(k, n) as (k + z() * z() / 2) / (n + z() * z());
create or replace temp macro wilson_half(k, n) as
    z() / (n + z() * z()) * sqrt(k * (n - k) / nullif(n, 0)::double + z() * z() / 4);
create or replace temp macro wilson_low(k, n) as
    case when n > 0 then greatest(0, wilson_middle(k, n) - wilson_half(k, n)) end;
create or replace temp macro wilson_high(k, n) as
    case when n > 0 then least(1, wilson_middle(k, n) + wilson_half(k, n)) end;

-- Newcombe 1998, method 10: the difference of two shares from each one's own interval. Zou and Donner 2008 show that it
-- holds for any two independent figures with intervals, so Kaplan-Meier shares take their log-log bands.
create or replace temp macro difference_low(one, one_low, other, other_high) as
    one - other - sqrt(pow(one - one_low, 2) + pow(other_high - other, 2));
create or replace temp macro difference_high(one, one_high, other, other_low) as
    one - other + sqrt(pow(one_high - one, 2) + pow(other - other_low, 2));

-- The share answered, and its log-log band (Kalbfleisch and Prentice 1980), from the share still waiting.
create or replace temp macro band_step(still_waiting, variance) as
    exp(z() * sqrt(variance) / nullif(abs(ln(nullif(still_waiting, 0))), 0));
