-- Who asked anything, as the store names them.
select distinct person_id::varchar as person from asks
where needs_reply
