-- Why asks need a reply, the commonest reason first.
select reason, count(*) as asks
from asks
where needs_reply and reason is not null
group by reason
order by asks desc, reason
