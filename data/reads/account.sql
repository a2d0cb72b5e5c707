-- An account by the name that data/reads/identities.sql gives it, and whether it is a bot. $account: that name.
select sources.platform, sources.source, member_id, coalesce(people.role = 'bot', members.is_bot, false) as is_bot
from members
full join people using (source_key, member_id)
inner join sources using (source_key)
where concat_ws(':', sources.platform, sources.source, member_id) = $account
