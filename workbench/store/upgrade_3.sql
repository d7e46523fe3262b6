-- Only the views have changed, and these are made anew after every upgrade.
select 1;
