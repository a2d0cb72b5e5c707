-- What a source's exports call it stays known beside the name that the settings give it.
alter table sources add column if not exists export_name varchar;
update sources set export_name = source_name where export_name is null;
