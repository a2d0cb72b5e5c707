-- Who answered an ask last, and when. An empty list of $platforms, $sources or $channels means all of them.
select asks.reply_at as at, people.name as "by"
from asks
inner join places on asks.place_id = places.place_id
left join people on asks.reply_by = people.person_id
where
    asks.needs_reply and asks.reply_at is not null
    and (len($platforms) = 0 or list_contains($platforms, places.platform))
    and (len($sources) = 0 or list_contains($sources, places.source))
    and (len($channels) = 0 or list_contains($channels, places.channel))
order by asks.reply_at desc, people.name
limit 1
