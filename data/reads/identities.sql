-- Pairs of accounts that may be one person's, and what they share: a question to people, never an answer.
-- $platforms, $sources, $ids, $persons: accounts that somebody spoke of, and who they are so far. $ones, $others: those
-- persons who are told apart, the lesser first. $limit: how many pairs.
--
-- What a handle or name weighs is how surprising it is that two strangers bear it, in bits: the logarithm of all
-- accounts to those that bear it, whole or as a word of their name (Fellegi and Sunter 1969; by frequency of values,
-- Winkler 1989). What is rare here may be common elsewhere, so it weighs 12 bits at most; and among a few accounts
-- nothing can be called common. An address is given to one person: 30 bits, less where several accounts have it. A
-- handle that only says the name again adds nothing; one that differs takes a bit away, as half of all people keep
-- theirs. What more than 8 accounts bear is not rare. Not all that is shared tells: 2, an address or handle; 1, a full
-- name, or one that stands for a handle, which in one source two people may bear; 0, a first name.
with known as (
    select
        unnest($platforms::varchar[]) as platform, unnest($sources::varchar[]) as source,
        unnest($ids::varchar[]) as member_id, unnest($persons::bigint[]) as person
),
apart as (
    select unnest($ones::bigint[]) as one, unnest($others::bigint[]) as other
),
account as (
    select
        row_number() over (order by sources.platform, sources.source, people.member_id) as number,
        {
            number: number, person: coalesce(known.person, -number), source_key: sources.source_key,
            has_handle: people.handle is not null
        } as who,
        concat_ws(':', sources.platform, sources.source, people.member_id) as account,
        people.name, people.handle, people.messages, members.email_hash, sources.is_demo,
        regexp_extract(lower(coalesce(people.handle, people.name)), '^@?([^@]*)', 1) as nick,
        regexp_matches(people.name, '[\p{L}\p{N}][^\p{L}\p{N}]+[\p{L}\p{N}]') as is_full_name
    from people
    inner join sources on people.source_key = sources.source_key
    left join members on people.source_key = members.source_key and people.member_id = members.member_id
    left join known
        on
            sources.platform = known.platform and sources.source = known.source and people.member_id = known.member_id
    where people.role <> 'bot'
),
shown as (
    select who, is_demo, 'e-mail' as what, email_hash as shows, 2 as tells from account
    union all
    select
        who, is_demo, 'handle' as what, regexp_replace(nick, '[^\p{L}\p{N}]', '', 'g') as shows,
        if(handle is null, 1, 2) as tells
    from account
    where handle is not null or not is_full_name
    union all
    select
        who, is_demo, 'name' as what, regexp_replace(lower(name), '[^\p{L}\p{N}]', '', 'g') as shows,
        is_full_name::integer as tells
    from account
),
word as (
    select word, count(distinct number) as accounts
    from (
        select number, unnest(regexp_split_to_array(lower(concat_ws(' ', name, nick)), '[^\p{L}\p{N}]+')) as word
        from account
    )
    group by word
),
rare as (
    select
        shown.what, shown.shows, max(shown.tells) as tells, list(shown.who) as bearers,
        greatest(count(*), any_value(word.accounts)) as many,
        case
            when shown.what = 'e-mail' then 31 - log2(count(*))
            else least(12, log2(any_value(community.accounts) / many))
        end as bits
    from shown
    cross join (select greatest(count(*), 1000) as accounts from account) as community
    left join word on shown.shows = word.word
    where
        -- What anybody may be called is nobody's name, whatever its number: "user 12", "admin".
        regexp_replace(shown.shows, '\P{L}', '', 'g') not in (
            '', 'admin', 'administrator', 'anon', 'anonymous', 'contact', 'customer', 'deletedaccount', 'deleteduser',
            'guest', 'info', 'member', 'mod', 'moderator', 'nobody', 'null', 'root', 'support', 'system', 'team',
            'test', 'unknown', 'user', 'visitor', 'webmaster'
        )
    group by shown.what, shown.shows, shown.is_demo
    having count(*) between 2 and 8
),
shared as (
    select one, other, shows, list(what) as whats, max(bits) as bits, max(tells) as tells
    from (
        select what, shows, bits, tells, one, unnest(bearers) as other
        from (select *, unnest(bearers) as one from rare)
    )
    where one.number < other.number and one.person <> other.person
    group by one, other, shows
),
pair as (
    select
        same.one.number as one, same.other.number as other,
        least(same.one.person, same.other.person) as first,
        greatest(same.one.person, same.other.person) as second, list_sort(flatten(list(whats))) as shared,
        sum(bits) - (same.one.has_handle and same.other.has_handle and not list_contains(shared, 'handle'))::integer
        as weight
    from shared as same
    group by same.one, same.other
    having max(tells) > (same.one.source_key = same.other.source_key)::integer
),
question as (
    select * from pair
    where (first, second) not in (select (one, other) from apart)
    -- One about two people, however many accounts they have.
    qualify row_number() over (partition by first, second order by weight desc, len(shared) desc, one, other) = 1
    order by weight desc, len(shared) desc, one, other
    limit $limit
)
select
    round(question.weight, 1) as weight, question.shared, one.account, one.name, one.handle, one.messages,
    other.account as other_account, other.name as other_name, other.handle as other_handle,
    other.messages as other_messages
from question
inner join account as one on question.one = one.number
inner join account as other on question.other = other.number
order by question.weight desc, len(question.shared) desc, question.one, question.other
