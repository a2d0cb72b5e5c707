-- Whether this process has the snapshot open already, with its settings locked.
select current_setting('lock_configuration')
